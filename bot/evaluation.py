"""Measures the bot's understanding on anyone's messages: `centralita evaluate intents` (docs/quality.md).

The project's own pipeline is trained on the examples by Rasa's command, in a scratch project; a Rasa server with that
model and our channel reads the messages. Files are JSON lines, `{"text", "intent"}`; the intent `oos` means none.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bot.rasa import clean
from bot.server import PROJECT, BotServerError, RasaServer, train
from hub.domain.errors import Refused

OUTSIDE = "oos"
# What the project calls it (`outside` in config.yml).
PROJECT_OUTSIDE = "out_of_scope"
COVERAGES = (0.5, 0.7, 0.9)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Example:
    """A message and the intent that is right for it."""

    text: str
    intent: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What the bot made of a message.

    Attributes:
        intent: the best one other than "none".
        confidence: in it, 0 to 1.
        answered: whether the bot would have acted on it.
    """

    intent: str
    confidence: float
    answered: bool


def read_examples(file: Path) -> tuple[Example, ...]:
    """The rows of a file. Raises `Refused`, naming file and line, for one that is not of the documented form."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(str(file), f"must be a readable file of UTF-8 text: {error}") from error
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{file.name} line {number}"
        try:
            row = json.loads(line)
        except ValueError as broken:
            raise Refused(place, "must be a JSON object") from broken
        if not isinstance(row, dict):
            raise Refused(place, "must be a JSON object")
        for name in ("text", "intent"):
            if not isinstance(row.get(name), str) or not row[name].strip():
                raise Refused(place, f"must have {name}, a string that is not empty")
        if not clean(row["text"]):
            raise Refused(place, "must have a text of more than control characters")
        found.append(Example(row["text"], row["intent"]))
    if not found:
        raise Refused(file.name, "must have a row")
    return tuple(found)


def measure(
    python: Path,
    examples: Sequence[Example],
    messages: Sequence[Example],
    progress: Progress = lambda _what, _done, _all: None,
) -> dict[str, Any]:
    """Trains on the examples, then lets a server read the messages, one after another.

    Args:
        python: of Rasa's environment.
        examples: of at least two intents other than `oos`.
        messages: with the intents that are right.
        progress: is told what is done, how many of how many.

    Returns:
        What `figures` does, with `train_seconds` (the whole of `rasa train`) and `ms_per_message` (mean, from the
        request to the answer).

    Raises:
        Refused: there are not two intents.
        BotServerError: training or starting failed.
    """
    names = sorted({example.intent for example in examples} - {OUTSIDE})
    if len(names) < 2:
        raise Refused("TRAIN", "must have at least two intents other than oos")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        project = folder / "project"
        _write_project(project, examples, names)
        with _counted("training: seconds", progress):
            began = time.monotonic()
            model = train(python, project=project, log=folder / "train.log")
            train_seconds = time.monotonic() - began
        server = RasaServer(
            python=python,
            model=model,
            runtime=folder / "run",
            hub_url="http://127.0.0.1:9",
            hub_token="none",  # noqa: S106 - its actions never ask anybody
            project=project,
        )
        try:
            server.start()
            server.wait_ready()
            with httpx.Client(
                base_url=server.url, headers={"Authorization": f"Bearer {server.token}"}, trust_env=False, timeout=30
            ) as client:
                _read(client, messages[0].text, names)
                began = time.monotonic()
                readings = []
                for done, message in enumerate(messages, start=1):
                    readings.append(_read(client, message.text, names))
                    progress("messages read", done, len(messages))
                seconds = time.monotonic() - began
        finally:
            server.stop()
    return {
        **figures(messages, readings),
        "train_seconds": round(train_seconds, 1),
        "ms_per_message": round(1000 * seconds / len(messages), 2),
    }


def figures(messages: Sequence[Example], readings: Sequence[Reading]) -> dict[str, Any]:
    """What the readings are worth; shares from 0 to 1, None where no message is of that kind.

    Returns:
        `accuracy_in_scope`: of the messages with an intent, those whose best intent is right, whether sure enough or
        not; `accuracy_in_scope_answered`: the same, those that were withheld as unsure counting as wrong;
        `oos_recall`: of the others, those left alone; `oos_auroc`: how well the confidence parts the two kinds;
        `accuracy_all`: answered right or rightly left alone, of all; `precision_at_coverage`: right among the surest
        50, 70 and 90 % of all.
    """
    pairs = list(zip(messages, readings, strict=True))
    inside = [(message, reading) for message, reading in pairs if message.intent != OUTSIDE]
    outside = [reading for message, reading in pairs if message.intent == OUTSIDE]
    answered_right = sum(reading.answered and reading.intent == message.intent for message, reading in inside)
    left_alone = sum(not reading.answered for reading in outside)
    surest = sorted(pairs, key=lambda pair: -pair[1].confidence)
    right = [message.intent == reading.intent for message, reading in surest]
    heads = {coverage: right[: max(round(coverage * len(right)), 1)] for coverage in COVERAGES}
    return {
        "accuracy_in_scope": _share(sum(reading.intent == message.intent for message, reading in inside), len(inside)),
        "accuracy_in_scope_answered": _share(answered_right, len(inside)),
        "oos_recall": _share(left_alone, len(outside)),
        "oos_auroc": _auroc([reading.confidence for _, reading in inside], [reading.confidence for reading in outside]),
        "accuracy_all": _share(answered_right + left_alone, len(pairs)),
        "precision_at_coverage": {
            f"{coverage:.0%}".rstrip("%"): _share(sum(head), len(head)) for coverage, head in heads.items()
        },
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _auroc(higher: Sequence[float], lower: Sequence[float]) -> float | None:
    """The probability that one of the first is above one of the second; a tie is half."""
    if not higher or not lower:
        return None
    values = sorted([(value, 1) for value in higher] + [(value, 0) for value in lower])
    wins, below, position = 0.0, 0, 0
    while position < len(values):
        end = position
        while end < len(values) and values[end][0] == values[position][0]:
            end += 1
        ups = sum(kind for _, kind in values[position:end])
        wins += ups * (below + (end - position - ups) / 2)
        below += end - position - ups
        position = end
    return round(wins / (len(higher) * len(lower)), 4)


def _write_project(project: Path, examples: Sequence[Example], names: Sequence[str]) -> None:
    """The production project with other examples. Intents get numbers for names: Rasa reads signs in them."""
    (project / "data").mkdir(parents=True)
    for part in [PROJECT / "config.yml", *PROJECT.glob("*.py")]:
        shutil.copy(part, project)
    called = {name: f"intent{number}" for number, name in enumerate(names)} | {OUTSIDE: PROJECT_OUTSIDE}
    rows = [{"text": clean(example.text), "intent": called[example.intent], "entities": []} for example in examples]
    # JSON is YAML, too. The older format for examples, as the newer one reads brackets in a text as entities.
    (project / "data" / "nlu.json").write_text(json.dumps({"rasa_nlu_data": {"common_examples": rows}}))
    used = sorted({called[example.intent] for example in examples})
    (project / "domain.yml").write_text(json.dumps({"version": "3.1", "intents": used}))


def _read(client: httpx.Client, text: str, names: Sequence[str]) -> Reading:
    answer = client.post("/webhooks/hub/understand", json={"text": clean(text)})
    if answer.status_code != 200:
        raise BotServerError(f"the bot could not read {text!r}: {answer.text}")
    ranking = answer.json()["ranking"]
    best = next(intent for intent in ranking if intent["name"] != PROJECT_OUTSIDE)
    answered = not answer.json()["weak"] and ranking[0]["name"] != PROJECT_OUTSIDE
    return Reading(names[int(best["name"].removeprefix("intent"))], best["confidence"], answered)


@contextmanager
def _counted(what: str, progress: Progress) -> Iterator[None]:
    """Tells every ten seconds that something still goes on."""
    ended = threading.Event()

    def count() -> None:
        seconds = 0
        while not ended.wait(10):
            seconds += 10
            progress(what, seconds, seconds)

    threading.Thread(target=count, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
