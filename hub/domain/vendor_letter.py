"""What an outside firm is written: an agent's words, and below them what the firm has to know of the conversation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from hub.domain.events import TriedAnswer
from hub.domain.rendering import phrase

LIMIT = 100_000  # characters: a mail that a person is to read


@dataclass(frozen=True, slots=True)
class Quoted:
    """A message that goes along. `who` is `customer`, `agent`, `bot`, `note` or `vendor`; `at` in microseconds."""

    who: str
    at: int
    text: str


def body(
    words: str,
    *,
    language: str,
    ticket_number: int,
    question: str,
    tried: Iterable[TriedAnswer],
    quoted: Iterable[Quoted],
) -> str:
    """The text of a mail to an outside firm.

    Args:
        words: what the agent wrote.
        language: the firm's.
        ticket_number: by which their answer finds back.
        question: what the customer asked, as they wrote it; may be empty.
        tried: what bot and knowledge base considered; only what the customer was given is told, each once.
        quoted: the messages that the agent chose, oldest first.
    """
    sections = [words.strip()]
    sections.append(f"{_rule()}\n{phrase('vendor_number', language, number=ticket_number)}")
    if question.strip():
        sections.append(f"{phrase('vendor_asked', language)}\n{_indented(question)}")
    given = dict.fromkeys(_label(each) for each in tried if each.given)
    if given:
        sections.append("\n".join((phrase("vendor_tried", language), *(f"  - {each}" for each in given))))
    lines = [
        f"{_when(each.at)}, {phrase(f'vendor_by_{each.who}', language)}:\n{_indented(each.text)}" for each in quoted
    ]
    if lines:
        sections.append("\n\n".join((phrase("vendor_quoted", language), *lines)))
    return "\n\n".join(sections)


def _rule() -> str:
    return "-" * 40


def _label(tried: TriedAnswer) -> str:
    return tried.label if tried.source == "knowledge_base" else tried.label.replace("_", " ")


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.strip().splitlines())


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
