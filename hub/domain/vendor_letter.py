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


@dataclass(frozen=True, slots=True)
class Packet:
    """What goes along with an agent's words: `ticket_number`, by which the answer finds back; `question`, what the
    customer asked, as they wrote it, perhaps empty; `told`, the names of the answers that they were given, each once;
    `quoted`, the messages that the agent chose, oldest first."""

    words: str
    ticket_number: int
    question: str
    told: tuple[str, ...]
    quoted: tuple[Quoted, ...]


def body(packet: Packet, *, language: str, page: str = "") -> str:
    """The text of a mail to an outside firm.

    Args:
        packet: what it says.
        language: the firm's.
        page: the address of the page by which the firm may answer, or what stands for it; empty where it has none.
    """
    sections = [packet.words.strip()]
    number = f"{_rule()}\n{phrase('vendor_number', language, number=packet.ticket_number)}"
    sections.append(f"{number}\n{phrase('vendor_page', language)}\n{page}" if page else number)
    if packet.question.strip():
        sections.append(f"{phrase('vendor_asked', language)}\n{_indented(packet.question)}")
    if packet.told:
        sections.append("\n".join((phrase("vendor_tried", language), *(f"  - {each}" for each in packet.told))))
    lines = [
        f"{when(each.at)}, {phrase(f'vendor_by_{each.who}', language)}:\n{_indented(each.text)}"
        for each in packet.quoted
    ]
    if lines:
        sections.append("\n\n".join((phrase("vendor_quoted", language), *lines)))
    return "\n\n".join(sections)


def told(tried: Iterable[TriedAnswer]) -> tuple[str, ...]:
    """Of what bot and knowledge base considered, the names of what the customer was given, each once."""
    return tuple(dict.fromkeys(_label(each) for each in tried if each.given))


def _rule() -> str:
    return "-" * 40


def _label(tried: TriedAnswer) -> str:
    return tried.label if tried.source == "knowledge_base" else tried.label.replace("_", " ")


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.strip().splitlines())


def when(at: int) -> str:
    """A moment, microseconds since 1970, as outside firms read it."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
