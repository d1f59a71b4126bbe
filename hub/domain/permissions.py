"""Who may do what. One table; every route names the action it needs."""

from __future__ import annotations

from collections.abc import Mapping

from hub.domain.errors import Forbidden

ROLES = ("agent", "team_lead", "supervisor", "editor", "administrator")

_CONVERSE = frozenset({"read_conversations", "work_conversations", "read_articles", "ask_vendors"})
_LEAD = _CONVERSE | {"assign_others", "read_sources", "accept_sources", "read_floor"}
_EDIT = frozenset({"read_articles", "edit_articles", "approve_articles"})

ACTIONS: Mapping[str, frozenset[str]] = {
    "agent": _CONVERSE,
    "team_lead": _LEAD,
    "supervisor": _LEAD | _EDIT | {"edit_routing", "merge_contacts", "read_health", "edit_vendors", "edit_promises"},
    "editor": _EDIT,
    "administrator": _LEAD
    | _EDIT
    | {"edit_routing", "merge_contacts", "read_health", "edit_vendors", "edit_promises"}
    | {"run_jobs", "edit_people", "edit_inboxes"},
}


def may(role: str, action: str) -> bool:
    """Whether a role may do an action. An unknown role may do nothing."""
    return action in ACTIONS.get(role, frozenset())


def require(role: str, action: str) -> None:
    """Raises Forbidden unless the role may do the action."""
    if not may(role, action):
        raise Forbidden(f"the role {role} may not {action.replace('_', ' ')}")
