"""Who hears what is pushed: the names of the rooms that open screens are in."""

from __future__ import annotations

AGENTS = "agents"
_VISITOR = "visitor:"


def visitor(inbox_id: str, visitor_id: str) -> str:
    """The room of one visitor's screens, all tabs of it."""
    return f"{_VISITOR}{inbox_id}:{visitor_id}"


def is_visitors(room: str) -> bool:
    """Whether a room is a visitor's, so that nothing meant for agents may go there."""
    return room.startswith(_VISITOR)
