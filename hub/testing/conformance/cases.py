"""Messages that leave, the provider's answers and what comes of them: `sending.json` beside the samples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.domain.errors import Refused
from hub.testing.provider import Answer


@dataclass(frozen=True, slots=True)
class SendCase:
    """A message that leaves, what the provider says to it, and what comes of it (an entry of `sending.json`)."""

    name: str
    message: Mapping[str, Any]
    answer: Answer | None
    request: Mapping[str, Any]
    receipt: Mapping[str, str]
    error: Mapping[str, Any]


def read_cases(path: Path) -> tuple[SendCase, ...]:
    """The cases of a `sending.json`. Raises Refused, naming the case and the key."""
    try:
        listed = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Refused(path.name, "must be a list of cases in JSON") from error
    return tuple(_case(each) for each in listed)


def _case(values: dict[str, Any]) -> SendCase:
    name = values.get("name", "")
    known = {"name", "message", "answer", "request", "receipt", "error"}
    if not name or values.keys() - known:
        raise Refused(f"sending.json: {name}", f"needs a name, and may have {sorted(known)}")
    if ("receipt" in values) == ("error" in values):
        raise Refused(f"sending.json: {name}", "ends in either a receipt or an error")
    unknown = values.get("error", {}).keys() - {"code", "permanent", "account", "unknown", "retry_after"}
    if unknown:
        raise Refused(f"sending.json: {name}: error", f"has no {sorted(unknown)[0]}")
    answer = values.get("answer")
    made: Answer | None = None
    if answer in ("hangs", "drops"):
        made = Answer(behaviour=answer)
    elif answer is not None:
        body = json.dumps(answer["json"]).encode() if "json" in answer else answer.get("text", "").encode()
        kind = {"Content-Type": "application/json"} if "json" in answer else {}
        made = Answer(answer.get("status", 200), kind | answer.get("headers", {}), body)
    return SendCase(
        name,
        values.get("message", {}),
        made,
        values.get("request", {}),
        values.get("receipt", {}),
        values.get("error", {}),
    )
