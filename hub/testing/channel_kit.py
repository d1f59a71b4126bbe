"""The conformance kit: what every channel must do, ours or anybody's, proved over its documented payloads.

A channel's author describes the channel with a `ChannelKit` and runs `python -m hub.testing NAME`, or each `Check` of
`CHECKS` as a test. docs/adding-a-channel.md goes through it step by step. Needs Hypothesis.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hub.testing.conformance import believing, reading, saying, sending, storing
from hub.testing.conformance.subject import (
    COPIES,
    Broken,
    ChannelKit,
    NotAsked,
    Subject,
    told,
)

# Where an installed package names the `ChannelKit` of a channel of its own, by the channel.
ENTRY_POINTS = "centralita.channel_kits"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the kit proves. `proves` is a sentence; `run` raises Broken, or NotAsked with the reason."""

    name: str
    proves: str
    run: Callable[[Subject], None]

    @property
    def needs_hub(self) -> bool:
        """Whether it writes to a database, so that it should be run on each kind."""
        return self.name in ("edge", "copies", "odd_requests", "reports")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a check: `state` is `ok`, `broken` or `not asked`; `detail` says why it is not ok."""

    check: Check
    state: str
    detail: str
    seconds: float


def run(
    kit: ChannelKit, tell: Callable[[Outcome], None] = lambda _: None, checks: Sequence[Check] | None = None
) -> list[Outcome]:
    """Runs checks, all by default, and tells of each as it is done."""
    subject = Subject(kit)
    outcomes: list[Outcome] = []
    for check in CHECKS if checks is None else checks:
        started = time.monotonic()
        state, detail = "ok", ""
        try:
            perform(check, subject)
        except NotAsked as reason:
            state, detail = "not asked", str(reason)
        except Broken as error:
            state, detail = "broken", str(error)
        outcomes.append(Outcome(check, state, detail, time.monotonic() - started))
        tell(outcomes[-1])
    return outcomes


def perform(check: Check, subject: Subject) -> None:
    """Runs one check. Raises Broken, or NotAsked where the channel is excused from it."""
    if reason := subject.kit.excused.get(check.name):
        raise NotAsked(reason)
    try:
        check.run(subject)
    except (Broken, NotAsked):
        raise
    except Exception as error:
        raise Broken(told(error)) from error


CHECKS: tuple[Check, ...] = (
    Check("limits", "its capabilities are sound", saying.check_limits),
    Check("imports", "it knows the hub's ports and domain only, and importing it does nothing", saying.check_imports),
    Check("samples", "each documented payload becomes exactly what is documented", reading.check_samples),
    Check("pure", "parsing asks no network, disk or clock, and gives equal values again", reading.check_pure),
    Check(
        "garbage", "whatever the body is, it is read, set aside or refused with field and rule", reading.check_garbage
    ),
    Check("batch", "one bad element does not cost the others", reading.check_batch),
    Check("unsupported", "a kind of message that it does not know is shown, not lost", reading.check_unsupported),
    Check("consent", "STOP, START and HELP are understood, and sentences with them are not", reading.check_consent),
    Check(
        "media", "files are fetched by the hub's fetcher, and credentials go to the provider alone", reading.check_media
    ),
    Check("genuine", "what the provider signed is believed, and nothing unsigned", believing.check_genuine),
    Check("forged", "a missing, damaged or foreign signature is refused", believing.check_forged),
    Check("changed", "what was changed after it was signed is refused", believing.check_changed),
    Check(
        "raw_bytes", "the signature is checked over the raw bytes, before anything is read", believing.check_raw_bytes
    ),
    Check("constant_time", "signatures are compared in constant time", believing.check_constant_time),
    Check("sending", "messages leave as documented, and each answer means what is documented", sending.check_sending),
    Check(
        "outages", "an outage is told from a refusal, and from a message that may have gone out", sending.check_outages
    ),
    Check("oversize", "what is too long is split or refused", sending.check_oversize),
    Check("attachments", "files over its limits are refused", sending.check_attachments),
    Check("buttons", "no button is dropped without a word", sending.check_buttons),
    Check("idempotent", "the same message again is the same request to the provider", sending.check_idempotent),
    Check("reply_window", "an answer that comes too late is refused for good", sending.check_reply_window),
    Check("secrets", "no secret stands in a log, an error or a repr", sending.check_secrets),
    Check("edge", "a real hub stores each sample once and answers as the provider wants", storing.check_edge),
    Check("copies", f"{COPIES} copies at the same moment are one message", storing.check_copies),
    Check("odd_requests", "a real hub answers nonsense with 4xx and a reason", storing.check_odd_requests),
    Check("reports", "late and repeated delivery reports never move a message back", storing.check_reports),
)
