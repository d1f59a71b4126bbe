"""How the channel checks what the action server answers, beside Rasa's own check, in Rasa's own environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.rasa

PROGRAM = """
import json
import jsonschema
from rasa.core.actions.action import RemoteAction

checked = []
kind = jsonschema.validators.validator_for(RemoteAction.action_response_format_spec())
check = kind.check_schema
kind.check_schema = classmethod(lambda cls, schema, *rest, **named: (checked.append(1), check(schema, *rest, **named)))

import hub_channel

hub_channel.HubInput("token").blueprint(None)
action = RemoteAction("action_order_status", None)
slot = {"event": "slot", "timestamp": None, "name": "purpose", "value": "refund"}
answers = [
    {"events": [], "responses": []},
    {"events": [slot], "responses": [{"text": "Hello"}]},
    {"events": [{"event": "slot", "value": 1}], "responses": []},
    {"events": [{"event": "no event of Rasa's"}], "responses": []},
    {"events": {}, "responses": []},
    {"events": [], "responses": ["text"]},
    [],
]

def outcome(check):
    found = []
    for answer in answers:
        try:
            found.append(check(answer))
        except jsonschema.ValidationError as error:
            found.append(error.message)
    return found

ours = outcome(action._validate_action_result)
checked.clear()
good = [action._validate_action_result(answers[1]) for _ in range(5)]
times = len(checked)
rasas = outcome(lambda answer: hub_channel.rasas_valid_answer(action, answer))
print(json.dumps({"ours": ours, "rasas": rasas, "good": good, "schema checked": times}))
"""


def test_answers_are_checked_as_rasa_does_and_the_schema_only_once(
    run_in_rasa: Callable[..., dict[str, Any]],
) -> None:
    found = run_in_rasa(PROGRAM)
    assert found["ours"] == found["rasas"]
    assert found["ours"][:2] == [True, True]
    assert all(isinstance(refused, str) for refused in found["ours"][2:])
    assert found["good"] == [True] * 5
    assert found["schema checked"] == 0
