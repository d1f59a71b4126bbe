"""How sure an inbox's answers must be, by the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fixtures_hub import PAPER, World
from tests.web.conftest import Screen

RULES = {
    "target_precision": 0.9,
    "knowledge": 0.7,
    "intent": 0.65,
    "mail": 0.85,
    "mail_intent": 0.9,
    "misses": 3,
    "articles_first": True,
}


def test_a_target_precision_is_set_and_counts_from_the_next_message(
    world: World, open_screen: Callable[..., Screen]
) -> None:
    supervisor = open_screen("supervisor")
    (before,) = (each for each in supervisor.get("/answering")["items"] if each["inbox_id"] == PAPER)
    assert (before["target_precision"], before["misses"], before["articles_first"]) == (0, 2, False)
    # Beside the inbox's other rules, which stay.
    supervisor.change("PUT", f"/inboxes/{PAPER}/routing", {"mode": "offer"})
    shown = supervisor.change("PUT", f"/inboxes/{PAPER}/answering", RULES)
    assert shown == before | RULES
    assert shown in supervisor.get("/answering")["items"]
    inbox = world.hub.inboxes.by_id(PAPER)
    assert (inbox.thresholds.target_precision, inbox.policy.misses, inbox.routing) == (0.9, 3, "offer")


@pytest.mark.parametrize(
    ("change", "field"),
    [({"target_precision": 1.2}, "target_precision"), ({"misses": 0}, "misses"), ({"mail": -1}, "mail")],
)
def test_what_is_no_share_is_refused(open_screen: Callable[..., Screen], change: dict[str, object], field: str) -> None:
    answer = open_screen("supervisor").call("PUT", f"/inboxes/{PAPER}/answering", RULES | change)
    assert (answer.status_code, answer.get_json()["field"]) == (422, field)


def test_an_unknown_inbox_is_not_found(open_screen: Callable[..., Screen]) -> None:
    assert open_screen("supervisor").call("PUT", "/inboxes/none/answering", RULES).status_code == 404
