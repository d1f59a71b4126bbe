"""Who may do what, against a table written out."""

from __future__ import annotations

import pytest

from hub.domain import permissions
from hub.domain.errors import Forbidden

EVERY_ACTION = (
    "read_floor",
    "edit_routing",
    "read_conversations",
    "work_conversations",
    "assign_others",
    "read_articles",
    "edit_articles",
    "approve_articles",
    "merge_contacts",
    "read_health",
    "run_jobs",
    "read_sources",
    "accept_sources",
    "ask_vendors",
    "edit_vendors",
    "edit_promises",
    "edit_people",
    "edit_inboxes",
)
# A column for each action above.
MAY = {
    "agent": "no no yes yes no yes no no no no no no no yes no no no no",
    "team_lead": "yes no yes yes yes yes no no no no no yes yes yes no no no no",
    "supervisor": "yes yes yes yes yes yes yes yes yes yes no yes yes yes yes yes no no",
    "editor": "no no no no no yes yes yes no no no no no no no no no no",
    "administrator": "yes yes yes yes yes yes yes yes yes yes yes yes yes yes yes yes yes yes",
}


def test_every_role_may_do_what_the_table_says_and_no_more() -> None:
    assert set(MAY) == set(permissions.ROLES) == set(permissions.ACTIONS)
    assert set(EVERY_ACTION) == frozenset().union(*permissions.ACTIONS.values())
    for role, row in MAY.items():
        for action, word in zip(EVERY_ACTION, row.split(), strict=True):
            assert permissions.may(role, action) == (word == "yes"), (role, action)


@pytest.mark.parametrize(("role", "action"), [("intern", "read_conversations"), ("", ""), ("agent", "fly")])
def test_who_or_what_is_unknown_is_refused(role: str, action: str) -> None:
    assert not permissions.may(role, action)
    with pytest.raises(Forbidden, match="may not"):
        permissions.require(role, action)
