"""Checks of what a channel sends, and what it makes of the provider's answers."""

from __future__ import annotations

import base64
import logging
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from hub.domain.errors import ChannelError
from hub.domain.messages import (
    Attachment,
    Button,
    OutboundMessage,
)
from hub.ports import Channel
from hub.testing.conformance.cases import SendCase
from hub.testing.conformance.subject import (
    PATIENCE,
    NotAsked,
    Subject,
    demand,
)
from hub.testing.provider import Answer, Asked, nobody_there, short_timeouts
from hub.testing.samples import outbound, with_body
from hub.testing.small_hub import PUBLIC_URL


def check_sending(subject: Subject) -> None:
    demand(subject.cases, "sending.json holds no case")
    for case in subject.cases:
        message = outbound(case.message, subject.hello, case.name)
        with subject.sending(case.answer or Answer(500)) as (channel, provider):
            got = attempt(channel, message, hangs=bool(case.answer and case.answer.behaviour == "hangs"))
            if case.answer is None:
                demand(not provider.asked, f"{case.name}: the provider is asked all the same")
            else:
                demand(provider.asked, f"{case.name}: the provider is not asked; {got}")
            if case.request:
                demand(len(provider.asked) == 1, f"{case.name}: the provider is asked {len(provider.asked)} times")
                _compare_request(case, provider.asked[0])
        demand(
            got.error is None or isinstance(got.error, ChannelError), f"{case.name}: {got.error!r}, not a ChannelError"
        )
        if case.receipt:
            demand(got.receipt == case.receipt, f"{case.name}: {got}, documented is {dict(case.receipt)}")
        else:
            flags = {key: value for key, value in got.flags.items() if key != "code" or "code" in case.error}
            wanted = {"permanent": False, "account": False, "unknown": False, "retry_after": None, **case.error}
            demand(flags == wanted, f"{case.name}: {got}, documented is {wanted}")


def _compare_request(case: SendCase, asked: Asked) -> None:
    for key, wanted in case.request.items():
        if key == "headers":
            found: Any = {name: asked.headers.get(name.lower()) for name in wanted}
        elif key == "text":
            found = asked.body.decode(errors="replace")
        else:
            try:
                found = getattr(asked, key)
            except ValueError:
                found = asked.body
        demand(found == wanted, f"{case.name}: the provider got as {key} {found!r}, documented is {wanted!r}")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a send: a receipt (`provider_id`, `state`) or what was raised."""

    receipt: Mapping[str, str] = field(default_factory=dict)
    error: BaseException | None = None

    @property
    def flags(self) -> dict[str, Any]:
        e = self.error
        if not isinstance(e, ChannelError):
            return {}
        return {
            "code": e.code, "permanent": e.permanent, "account": e.account, "unknown": e.unknown,
            "retry_after": e.retry_after,
        }  # fmt: skip

    def __str__(self) -> str:
        if self.error is None:
            return f"it is taken with {dict(self.receipt)}"
        return f"it raises {type(self.error).__name__} {self.flags or self.error}"


def attempt(channel: Channel, message: OutboundMessage, *, hangs: bool = False) -> Attempt:
    """Sends a message. With `hangs`, time-outs are cut short, and Broken is raised where there is none at all."""
    done: list[Attempt] = []

    def send() -> None:
        try:
            receipt = channel.send(message)
        except Exception as error:
            done.append(Attempt(error=error))
        else:
            done.append(Attempt({"provider_id": receipt.provider_id, "state": receipt.state.value}))

    if not hangs:
        send()
        return done[0]
    with short_timeouts():
        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        thread.join(PATIENCE)
    demand(done, "the provider never answers, and the channel waits for ever: a send needs a time-out")
    return done[0]


def check_outages(subject: Subject) -> None:
    """What every provider does one day, whatever its documents say."""
    page = b"<html><body>502 Bad Gateway</body></html>"
    told = Answer(429, {"Retry-After": "7"}, b"{}")
    repeats = subject.channel.capabilities.idempotent_send
    for what, answer in {
        "answers 500": Answer(500, {}, page), "answers 502": Answer(502, {}, page), "answers 503": Answer(503, {}, b""),
        "answers 429": told, "answers 401": Answer(401, {}, b"{}"),
        "reads and hangs up": Answer(behaviour="drops"), "never answers": Answer(behaviour="hangs"),
        "takes it and answers with a page": Answer(200, {"Content-Type": "text/html"}, page),
        "takes it and answers with half its answer": replace(subject.taken, body=subject.taken.body[:-2]),
        "takes it and answers with nothing": replace(subject.taken, body=b""),
    }.items():  # fmt: skip
        with subject.sending(answer) as (channel, provider):
            got = attempt(channel, subject.hello, hangs=answer.behaviour == "hangs")
            times = len(provider.asked)
        error = got.error
        if error is None and what.startswith("takes it") and not subject.taken.body:
            continue  # a provider whose answer is empty
        demand(isinstance(error, ChannelError), f"the provider {what}: {got}")
        assert isinstance(error, ChannelError)  # noqa: S101  # demanded
        demand(times == 1 or repeats, f"the provider {what}: it is asked {times} times, and may have sent them all")
        if what in ("reads and hangs up", "never answers") or what.startswith("takes it"):
            demand(
                error.unknown and not error.permanent, f"the provider {what}: it may have taken it, so `unknown`: {got}"
            )
        else:
            demand(not error.permanent or error.account, f"the provider {what}: {got}, though it may help to try again")
            demand(error.account == (answer.status == 401), f"the provider {what}: {got}; `account` is for 401 alone")
        if answer is told:
            demand(error.retry_after == 7, f"the provider asks to wait for 7 seconds: {got}")
    got = attempt(subject.kit.make(subject.parts_for(nobody_there())), subject.hello)
    error = got.error
    demand(
        isinstance(error, ChannelError) and not error.permanent and not error.unknown,
        f"nobody listens at the provider's address, so nothing was sent and trying again helps: {got}",
    )


def check_oversize(subject: Subject) -> None:
    limit = subject.channel.capabilities.text_limit
    for length in (limit + 1, limit * 3 + 1):
        got, asked = _send(subject, replace(subject.hello, text="ñ" * length))
        if got.error is None:
            demand(len(asked) > 1, f"a text of {length} characters is sent, in one piece, over a limit of {limit}")
        else:
            _refused(got, asked, f"a text of {length} characters")
    got, _ = _send(subject, replace(subject.hello, text="x" * limit))
    demand(got.error is None, f"a text of exactly {limit} characters is not sent: {got}")
    got, asked = _send(subject, replace(subject.hello, text=""))
    if got.error is not None:
        _refused(got, asked, "an empty message")


def check_attachments(subject: Subject) -> None:
    c = subject.channel.capabilities
    kind = next((each for each in c.media_types if not each.endswith("*")), "image/png")
    good = Attachment("01JD4A0000000000000000FILE", "picture.png", kind, 1000, f"{PUBLIC_URL}/files/picture.png")
    wrong = {"a program": replace(good, media_type="application/x-msdownload", name="setup.exe")}
    if c.attachments:
        wrong["a file over the limit"] = replace(good, size=c.attachment_limit + 1)
        got, asked = _send(subject, replace(subject.hello, attachments=(good,)))
        demand(got.error is None, f"a small file of the kind {kind} is not sent: {got}")
        if asked:
            demand(
                any(b"picture.png" in each.body for each in asked),
                "a file is sent, and the provider hears nothing of it",
            )
    else:
        wrong["a picture"] = good
    for what, file in wrong.items():
        got, asked = _send(subject, replace(subject.hello, attachments=(file,)))
        _refused(got, asked, what)


def check_buttons(subject: Subject) -> None:
    count = subject.channel.capabilities.buttons + 1
    titles = [f"Choice-{number}" for number in range(count)]
    message = replace(subject.hello, buttons=tuple(Button(title, f"/choose-{title}") for title in titles))
    got, asked = _send(subject, message)
    if got.error is not None:
        _refused(got, asked, f"{count} buttons")
        return
    sent = b"".join(each.body for each in asked).decode(errors="replace")
    for title in titles:
        demand(title in sent, f"of {count} buttons {title} was dropped without a word")


def _send(subject: Subject, message: OutboundMessage) -> tuple[Attempt, list[Asked]]:
    alone = "sending" in subject.kit.excused or not any(case.answer for case in subject.cases)
    if alone:  # a channel without a provider
        return attempt(subject.channel, message), []
    with subject.sending() as (channel, provider):
        return attempt(channel, message), provider.asked


def _refused(got: Attempt, asked: list[Asked], what: str) -> None:
    demand(isinstance(got.error, ChannelError) and got.error.permanent, f"{what}: {got}, not a permanent ChannelError")
    demand(not asked, f"{what}: it is refused only after the provider was asked")


def check_idempotent(subject: Subject) -> None:
    if not subject.channel.capabilities.idempotent_send:
        raise NotAsked("the provider takes no key: after a crash the hub says `unknown` rather than send again")
    if not any(case.answer for case in subject.cases):
        got = [attempt(subject.channel, subject.hello) for _ in range(2)]
        demand(got[0] == got[1] and got[0].error is None, f"the same message twice: {got[0]}, then {got[1]}")
        return
    with subject.sending() as (channel, provider):
        for message in (subject.hello, subject.hello, replace(subject.hello, message_id="01JD4A0000000000000000OTHR")):
            got_one = attempt(channel, message)
            demand(got_one.error is None, f"sending: {got_one}")
        first, second, other = (_essence(each) for each in provider.asked)
    demand(
        first == second, "the same message again is another request, so the provider cannot know that it is the same"
    )
    demand(first != other, "another message is the same request, so the provider takes it for a copy")


def _essence(asked: Asked) -> tuple[Any, ...]:
    headers = {name: value for name, value in asked.headers.items() if name not in ("date", "user-agent")}
    return asked.method, asked.path, tuple(sorted(headers.items())), asked.body


def check_reply_window(subject: Subject) -> None:
    if subject.channel.capabilities.reply_window is None:
        raise NotAsked("customers may be answered at any time")
    demand(
        any("window" in case.name and case.error.get("permanent") for case in subject.cases),
        "sending.json must show what the provider says after its window (`window` in the name, a permanent error)",
    )


def check_secrets(subject: Subject) -> None:
    secrets = set(subject.kit.secrets.values())
    forms = {form for each in secrets for form in _forms(each)}
    written: list[str] = []
    with _listening() as log:
        channel = subject.channel
        written += [repr(channel), str(channel)]
        for sample in subject.samples:
            for request in subject.signed(sample.request):
                for each in (request, with_body(request, b"\xff{")):
                    written += _spoken(subject.channel.verify, each)
                    written += _spoken(subject.channel.parse_inbound, each)
        if any(case.answer for case in subject.cases):
            for answer in (subject.taken, Answer(401), Answer(400, {}, b"{}"), Answer(behaviour="drops")):
                with subject.sending(answer) as (sender, _):
                    written += _spoken(sender.send, subject.hello)
                    written.append(repr(sender))
    for text in (*written, *log):
        for form in forms:
            place = text.find(form)
            around = _without(text[max(0, place - 100) : place + len(form) + 100], forms)
            demand(place < 0, f"a secret of the inbox stands in {around!r}")


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield base64.b64encode(secret.encode()).decode().rstrip("=")
    yield secret.encode().hex()


def _without(text: str, forms: set[str]) -> str:
    return reduce(lambda so_far, form: so_far.replace(form, "<the secret>"), forms, text)


def _spoken(call: Callable[[Any], object], argument: object) -> list[str]:
    """What can be read of a call's result or error."""
    try:
        return [repr(call(argument))]
    except Exception as error:
        return ["".join(traceback.format_exception(error)), repr(error)]


@contextmanager
def _listening() -> Iterator[list[str]]:
    """Gives every line that is logged while entered, down to DEBUG."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(handler.format(record))  # type: ignore[method-assign]
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
