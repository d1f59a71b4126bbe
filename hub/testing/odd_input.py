"""Requests as no provider would send them: for fuzzing what reads them. Needs Hypothesis."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote_plus

from hypothesis import strategies as st

from hub.domain.messages import WebhookRequest
from hub.testing.samples import with_body

DEEP = b"[" * 100_000
_Place = tuple[tuple[str, ...], frozenset[str]]
# What has broken readers of JSON and forms before: numbers no float holds, digits that `int` takes and a database does
# not, NUL and half a surrogate pair that cannot be stored, signs that turn text around.
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**400, 2**63, float("inf"), "", " ", "\0", "\ud800", "\u202eabc",
    "x" * 10_000, "١٢٣", "²", "-1", "1e9", "9" * 5_000, "NaN", [], {}, [[]], [None], {"": {}}, "\r\n",
)  # fmt: skip


def other_bodies(request: WebhookRequest) -> Iterator[WebhookRequest]:
    """The request with bodies that have nothing to do with any provider."""
    for body in (
        b"",
        b"\xff\xfe\x00",
        DEEP,
        b'{"a":' * 5_000,
        b"9" * 5_000,
        b"null",
        b"[]",
        b"{}",
        b'""',
        b"&&==&",
        b"%",
    ):
        yield with_body(request, body)


def in_each_place(requests: Iterable[WebhookRequest]) -> Iterator[WebhookRequest]:
    """Each request with each value in it, in turn, left out, repeated, or made each of `ODD_VALUES`.

    A place among the same neighbours as in a request before is not tried again.
    """
    tried: set[_Place] = set()
    for request in requests:
        if request.form:
            yield from (with_body(request, body) for body in _forms(request, tried))
            continue
        try:
            document = json.loads(request.body)
        except ValueError:
            continue
        yield from (with_body(request, _dumped(changed)) for changed in _documents(document, (), tried))


def _forms(request: WebhookRequest, tried: set[_Place]) -> Iterator[bytes]:
    pairs = [(name, value) for name, values in request.form.items() for value in values]
    for place, (name, value) in enumerate(pairs):
        if not _is_new((name,), request.form, tried):
            continue
        rest = [*pairs[:place], *pairs[place + 1 :]]
        yield _encoded(rest)
        yield _encoded([*pairs, (name, value)])
        yield _encoded([*pairs, (name, "other")])
        yield _encoded(rest) + f"&{quote_plus(name)}=%ff%00%ed%a0%80".encode()
        for odd in ODD_VALUES:
            if isinstance(odd, str):
                yield _encoded([*pairs[:place], (name, odd), *pairs[place + 1 :]])


def _documents(document: Any, path: tuple[str, ...], tried: set[_Place]) -> Iterator[Any]:
    if isinstance(document, dict):
        for key, value in document.items():
            if not _is_new((*path, key), document, tried):
                continue
            yield {name: each for name, each in document.items() if name != key}
            for changed in (*ODD_VALUES, *_documents(value, (*path, key), tried)):
                yield document | {key: changed}
        yield from (document | {each: each} for each in ("", "\0", "\ud800", "unknown"))
    elif isinstance(document, list):
        for place, value in enumerate(document):
            for changed in (*ODD_VALUES, *_documents(value, (*path, "*"), tried)):
                yield [*document[:place], changed, *document[place + 1 :]]


def _is_new(path: tuple[str, ...], neighbours: Iterable[str], tried: set[_Place]) -> bool:
    place = path, frozenset(neighbours)
    if place in tried:
        return False
    tried.add(place)
    return True


def _encoded(pairs: list[tuple[str, str]]) -> bytes:
    return "&".join(f"{quote_plus(n)}={quote_plus(v, errors='surrogatepass')}" for n, v in pairs).encode()


def _dumped(document: Any) -> bytes:
    return json.dumps(document).encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: st.DrawFn, requests: Sequence[WebhookRequest]) -> WebhookRequest:
    """One of the requests with its bytes cut, changed or exchanged, or another value somewhere in it."""
    request = draw(st.sampled_from(list(requests)))
    if draw(st.booleans()):
        try:
            return with_body(request, _dumped(_json(draw, json.loads(request.body))))
        except ValueError:
            pass
    return with_body(request, draw(st.binary(max_size=300)) if draw(st.booleans()) else _bytes(draw, request.body))


def _bytes(draw: st.DrawFn, body: bytes) -> bytes:
    start = draw(st.integers(0, len(body)))
    stop = draw(st.integers(start, min(start + 20, len(body))))
    inserted = draw(st.binary(max_size=4) | st.sampled_from([b"\xff", b"\0", b"\xed\xa0\x80", b'"', b"}", b"&", b"%"]))
    return body[:start] if draw(st.booleans()) else body[:start] + inserted + body[stop:]


def _json(draw: st.DrawFn, document: Any) -> Any:
    """The document with one place in it changed, wherever that is."""
    if isinstance(document, dict) and document and draw(st.integers(0, 9)):
        key = draw(st.sampled_from(sorted(document)))
        if not draw(st.integers(0, 5)):
            return {name: value for name, value in document.items() if name != key}
        return document | {key: _json(draw, document[key])}
    if isinstance(document, list) and document and draw(st.integers(0, 9)):
        place = draw(st.integers(0, len(document) - 1))
        return [*document[:place], _json(draw, document[place]), *document[place + 1 :]]
    return draw(st.sampled_from(ODD_VALUES) | st.text(max_size=20) | st.integers() | st.floats())
