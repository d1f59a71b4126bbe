"""Checks of whom a channel believes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from hub.domain.errors import BadSignature
from hub.domain.messages import (
    WebhookRequest,
)
from hub.store.secret_box import SecretBox
from hub.testing import odd_input
from hub.testing.conformance.subject import (
    NotAsked,
    Subject,
    demand,
    raised,
)
from hub.testing.samples import differences, with_body
from hub.testing.watching import compared, telltale


def _webhooks_only(subject: Subject) -> None:
    if subject.listens:
        raise NotAsked("nobody calls it: it fetches for itself, and what the web sends is refused")


def check_genuine(subject: Subject) -> None:
    if subject.listens:
        for sample in subject.samples:
            demand(
                isinstance(raised(subject.channel.verify, sample.request), BadSignature),
                f"{sample.name}: the web must not be believed, for nobody calls this channel",
            )
        return
    for sample in subject.samples:
        for name, sign in subject.kit.signs.items():
            error = raised(subject.channel.verify, sign(sample.request, subject.parts))
            demand(error is None, f"{sample.name}, signed by {name}: {error!r}")
            demand(
                isinstance(raised(subject.channel.verify, sample.request), BadSignature),
                f"{sample.name}: it is believed without a signature",
            )
            if "form" in subject.kit.signed and sample.request.form:
                turned = dict(reversed(list(sample.request.form.items())))
                pairs = [(key, value) for key, values in turned.items() for value in values]
                request = replace(sign(sample.request, subject.parts), body=urlencode(pairs).encode())
                error = raised(subject.channel.verify, request)
                demand(error is None, f"{sample.name}: with its fields in another order it is refused: {error!r}")
                if not sample.refused:
                    found = differences(subject.channel.parse_inbound(request), sample)
                    demand(not found, f"{sample.name}: order matters: {found}")


def check_forged(subject: Subject) -> None:
    _webhooks_only(subject)
    stranger = replace(
        subject.parts,
        secrets={name: value[::-1] + "x" for name, value in subject.parts.secrets.items()},
        derive=SecretBox(b"another installation's key").derive,
    )
    for sample in subject.samples:
        for name, sign in subject.kit.signs.items():
            genuine = sign(sample.request, subject.parts)
            forgeries = {"with another key": sign(sample.request, stranger)}
            forgeries |= dict(_forged_headers(sample.request, genuine))
            for what, forged in forgeries.items():
                error = raised(subject.channel.verify, forged)
                demand(
                    isinstance(error, BadSignature),
                    f"{sample.name}, signed by {name}, {what}: {error!r} instead of BadSignature",
                )


def _forged_headers(unsigned: WebhookRequest, genuine: WebhookRequest) -> Iterator[tuple[str, WebhookRequest]]:
    """The genuine request with each header of its signature damaged."""
    for header, value in genuine.headers.items():
        if unsigned.headers.get(header) == value:
            continue
        rest = {name: each for name, each in genuine.headers.items() if name != header}
        yield f"without {header}", replace(genuine, headers=rest)
        middle = len(value) // 2
        other = "1" if value[middle] != "1" else "2"
        for what, changed in {
            "empty": "", "blank": " ", "cut off": value[:middle], "doubled": f"{value}{value}", "listed": f"{value}, x",
            "changed": value[:middle] + other + value[middle + 1 :], "in other letters": "é\u202e" + value[2:],
            "reversed": value[::-1], "endless": "A" * 10_000, "not base64": "====", "not hex": "zz" * 20,
        }.items():  # fmt: skip
            if changed != value:
                yield f"with {header} {what}", replace(genuine, headers=rest | {header: changed})


def check_changed(subject: Subject) -> None:
    _webhooks_only(subject)
    covered = subject.kit.signed
    demand(covered, "the signature covers nothing: say in `excused` what protects the payload then")
    for sample in subject.samples:
        for name, sign in subject.kit.signs.items():
            genuine = sign(sample.request, subject.parts)
            for what, forged in _changed(genuine, covered):
                error = raised(subject.channel.verify, forged)
                demand(
                    isinstance(error, BadSignature),
                    f"{sample.name}, signed by {name}, then {what}: {error!r} instead of BadSignature",
                )


def _changed(genuine: WebhookRequest, covered: frozenset[str]) -> Iterator[tuple[str, WebhookRequest]]:
    body = genuine.body
    if covered & {"body", "form"} and body:
        for place in {0, len(body) // 3, len(body) // 2, len(body) - 1}:
            changed = with_body(genuine, body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
            if "body" in covered or changed.form != genuine.form:
                yield f"its byte {place} changed", changed
        yield "its end cut off", with_body(genuine, body[:-1])
        yield "nothing left of it", with_body(genuine, b"")
        yield "something added", with_body(genuine, body + b"&Body=more")
    if "body" in covered and not body:
        yield "something added", with_body(genuine, b"{}")
    if "form" in covered and genuine.form:
        name, values = next(iter(genuine.form.items()))
        pairs = [(each, value) for each, its in genuine.form.items() for value in its]
        yield (
            "a field renamed",
            with_body(genuine, urlencode([(f"{n}x" if n == name else n, v) for n, v in pairs]).encode()),
        )
        yield "a field repeated", with_body(genuine, urlencode([*pairs, (name, f"{values[0]}x")]).encode())
    if "url" in covered:
        parts = urlsplit(genuine.url)
        query = parse_qsl(parts.query, keep_blank_values=True)
        for what, url in {
            "called at another path": parts._replace(path=f"{parts.path}x"),
            "called at another host": parts._replace(netloc="attacker.example"),
            "called by another scheme": parts._replace(scheme="http"),
            "called with another query": parts._replace(query=urlencode([*query, ("more", "1")])),
        }.items():
            yield what, replace(genuine, url=urlunsplit(url))


def check_raw_bytes(subject: Subject) -> None:
    _webhooks_only(subject)
    unread = [b"", b"\xff\xfe\x00", b"{", odd_input.DEEP, b"9" * 5_000, b"%ff%00=%", "ñ".encode("utf-16")]
    plain = subject.plain().request
    for body in unread:
        for name, sign in subject.kit.signs.items():
            request = sign(with_body(plain, body), subject.parts)
            error = raised(subject.channel.verify, request)
            demand(
                error is None,
                f"signed by {name}, the body {body[:20]!r} is refused by verify, which reads it: {error!r}",
            )
            forged = with_body(plain, body)
            error = raised(subject.channel.verify, forged)
            demand(isinstance(error, BadSignature), f"unsigned, the body {body[:20]!r} is {error!r}, not BadSignature")


def check_constant_time(subject: Subject) -> None:
    _webhooks_only(subject)
    stranger = replace(
        subject.parts,
        secrets={name: value[::-1] for name, value in subject.parts.secrets.items()},
        derive=SecretBox(b"another installation's key").derive,
    )
    plain = subject.plain().request
    for name, sign in subject.kit.signs.items():
        forged = sign(plain, stranger)
        told: list[str] = []
        watched = {
            header: value if plain.headers.get(header) == value else telltale(value, told)
            for header, value in forged.headers.items()
        }
        with compared() as pairs:
            raised(subject.channel.verify, replace(forged, headers=watched))
        demand(
            pairs,
            f"{name}: a forgery is refused without hmac.compare_digest: the time it takes tells how far it fits",
        )
        demand(not told, f"{name}: the signature is compared with == besides")
