"""What `centralita evaluate intents` reads and how it counts; the bot itself is measured in docs/quality.md."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from bot.evaluation import Example, Reading, figures, read_examples
from bot.server import RasaServer
from hub.domain.errors import Refused


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("not json", "must be a JSON object"),
        ('["text"]', "must be a JSON object"),
        ('{"text": "hi"}', "must have intent"),
        ('{"text": 3, "intent": "greet"}', "must have text"),
        ('{"text": " ", "intent": "greet"}', "must have text"),
        ('{"text": "\\u0000", "intent": "greet"}', "control characters"),
    ],
)
def test_a_malformed_row_is_refused_by_its_line(tmp_path: Path, row: str, rule: str) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text(f'{{"text": "hi", "intent": "greet"}}\n\n{row}\n')
    with pytest.raises(Refused, match=rf"train\.jsonl line 3.*{rule}"):
        read_examples(file)


def test_a_file_that_is_not_there_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="must be a readable file"):
        read_examples(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(Refused, match="must have a row"):
        read_examples(tmp_path / "empty.jsonl")


def test_the_figures() -> None:
    cases = [
        ("a", Reading("a", 0.9, answered=True)),
        ("b", Reading("b", 0.8, answered=True)),
        ("a", Reading("b", 0.7, answered=True)),
        ("b", Reading("b", 0.4, answered=False)),
        ("oos", Reading("a", 0.7, answered=True)),
        ("oos", Reading("a", 0.1, answered=False)),
    ]
    found = figures([Example("text", intent) for intent, _ in cases], [reading for _, reading in cases])
    assert found == {
        "accuracy_in_scope": 0.75,
        "accuracy_in_scope_answered": 0.5,
        "oos_recall": 0.5,
        "oos_auroc": round((4 + 2.5) / 8, 4),
        "accuracy_all": 0.5,
        "precision_at_coverage": {"50": 0.6667, "70": 0.5, "90": 0.6},
    }


def test_figures_without_messages_of_a_kind_are_none() -> None:
    found = figures([Example("text", "a")], [Reading("a", 0.9, answered=True)])
    assert found["oos_recall"] is None
    assert found["oos_auroc"] is None
    assert found["accuracy_in_scope"] == found["accuracy_all"] == 1


@pytest.mark.rasa
@pytest.mark.timeout(900)
def test_the_channel_tells_what_it_understands_without_a_turn(rasa_server: RasaServer) -> None:
    with httpx.Client(base_url=rasa_server.url, trust_env=False, timeout=30) as client:
        own = {"Authorization": f"Bearer {rasa_server.token}"}
        assert client.post("/webhooks/hub/understand", json={"text": "hello"}).status_code == 401
        assert client.post("/webhooks/hub/understand", json={"text": " "}, headers=own).status_code == 422
        understood = client.post("/webhooks/hub/understand", json={"text": "buenos días"}, headers=own).json()
        command = client.post("/webhooks/hub/understand", json={"text": "/restart"}, headers=own).json()
    assert understood["ranking"][0]["name"] == "greet"
    assert not understood["weak"]
    assert command["ranking"][0]["name"] != "restart"
