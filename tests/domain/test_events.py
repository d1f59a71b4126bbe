"""Events: read back as they were written, and free of everything that must be possible to erase."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain import events as e
from hub.domain.routing import Candidate

_FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def _values(hint: Any) -> st.SearchStrategy[Any]:
    if hint is str:
        return st.text(max_size=20)
    if hint is int:
        return st.integers(-(2**62), 2**62)
    if hint is float:
        return _FLOATS
    if hint is bool:
        return st.booleans()
    if is_dataclass(hint) and isinstance(hint, type):
        return _built(hint)
    return st.lists(_values(get_args(hint)[0]), max_size=3).map(tuple)


def _built(kind: type) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: _values(hints[field.name]) for field in fields(kind)})


EVENTS: st.SearchStrategy[e.Event] = st.one_of([_built(kind) for kind in e.KINDS.values()])


@pytest.mark.parametrize("kind", sorted(e.KINDS))
def test_every_kind_is_read_back_as_it_was_written(kind: str) -> None:
    @given(event=_built(e.KINDS[kind]))
    def round_trip(event: e.Event) -> None:
        data = json.loads(json.dumps(e.to_data(event)))
        assert set(data) == {field.name for field in fields(event)}  # type: ignore[arg-type]  # every event is one
        read = e.from_data(kind, data)
        assert read == event
        assert type(read) is type(event)
        hash(read)

    round_trip()


def test_an_unknown_kind_or_a_field_too_many_is_not_guessed() -> None:
    with pytest.raises(KeyError):
        e.from_data("NeverHeardOf", {})
    with pytest.raises(TypeError):
        e.from_data("Resolved", {"why": "because"})
    with pytest.raises(TypeError):
        e.from_data("NoteAdded", {})


def test_a_field_that_an_older_log_has_not_takes_its_default() -> None:
    assert e.from_data("DeliveryChanged", {"message_id": "m", "state": "sent"}) == e.DeliveryChanged("m", "sent", "")


def test_every_kind_has_a_stream_and_a_name_of_its_own() -> None:
    assert {kind.stream for kind in e.KINDS.values()} == {"conversation", "contact", "agent", "article"}
    for name, kind in e.KINDS.items():
        assert kind.__name__ == name


IDS = {
    "contact_id",
    "inbox_id",
    "identity_id",
    "message_id",
    "team_id",
    "agent_id",
    "previous_id",
    "into_id",
    "from_id",
}
IDS |= {"to_id", "other_id", "undone_event", "message_ids", "identity_ids", "conversation_ids", "open_question"}
IDS |= {"article_id", "suggested", "media_id", "attachment_id", "stated_by", "split_event", "last_message_id"}
IDS |= {"vendor_id", "included", "link_id"}
IDS |= {"policy_id", "hours_id", "task_id"}
IDS |= {"vendor_id", "included"}
KEYS = {"thread_key", "routes"}  # a channel's own ids
CODES = {
    "channel",
    "status",
    "language",
    "locale",
    "rule",
    "author",
    "state",
    "error_code",
    "action",
    "reason",
    "cause",
}
CODES |= {"level", "method", "how", "evidence", "presence", "intent", "source", "consent", "robot"}
CODES |= {"clock", "audience", "done"}
CODES |= {"questions"}  # names of fields, never what they hold
CODES |= {"grounds"}  # evidence and the id of an identity
CODES |= {"turned_away", "required"}  # a reason or a skill, with a number
CODES |= {"outcome"}
NUMBERS = {"ticket_number", "priority", "misses", "until", "version", "score", "given"}
NUMBERS |= {"due_at", "removed"}
NUMBERS |= {"intent_confidence", "knowledge_confidence"}
NUMBERS |= {"helpful"}
NUMBERS |= {"eligible", "own_team", "knows_them", "preferred", "spared", "turn"}
MODELS = {"bot_model", "knowledge_model", "calibration", "model_id"}
OURS = {"label"}  # an intent's name or a published article's title
NESTED = {"tried", "candidates"}


def test_no_event_has_a_field_for_text_or_addresses() -> None:
    """The log cannot be erased. A new field belongs into one of the sets above, or into a row that can."""
    may_be = IDS | KEYS | CODES | NUMBERS | MODELS | OURS | NESTED
    used = set()
    for kind in (*e.KINDS.values(), e.TriedAnswer, Candidate):
        for field in fields(kind):
            used.add(field.name)
            assert field.name in may_be, f"{kind.__name__}.{field.name}"
    assert used == may_be, "a set names no field that is gone"
