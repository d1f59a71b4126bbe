"""Who hears what is pushed."""

from __future__ import annotations

from hub.domain import rooms


def test_a_visitors_room_is_told_from_the_agents() -> None:
    room = rooms.visitor("inbox", "visitor")
    assert rooms.is_visitors(room)
    assert room == rooms.visitor("inbox", "visitor")
    assert room != rooms.visitor("inbox", "other")
    assert not rooms.is_visitors(rooms.AGENTS)
