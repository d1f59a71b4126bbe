"""Requests as no provider would send them: for fuzzing what reads them. Needs Hypothesis."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote_plus, urlencode

from hypothesis import strategies as st

from hub.domain.messages import WebhookRequest
from hub.testing.samples import with_body

DEEP = b"[" * 100_000
# What has broken readers of JSON and forms before: numbers no float holds, digits that `int` takes and a database does
# not, NUL and half a surrogate pair that cannot be stored, signs that turn text around.
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**400, 2**63, float("inf"), "", " ", "\0", "\ud800", "\u202eabc", "é" * 5_000,
    "x" * 10_000, "١٢٣", "²", "-1", "1e9", "9" * 5_000, "NaN", [], {}, [[]], [None], {"": {}}, "\r\n",
)  # fmt: skip


def bodies() -> st.SearchStrategy[bytes]:
    """Bytes that have nothing to do with any provider."""
    fixed = [b"", b"\xff\xfe\x00", DEEP, b'{"a":' * 5_000, b"9" * 5_000, b"null", b"[]", b"{}", b'""', b"&&==&", b"%"]
    return st.binary(max_size=300) | st.sampled_from(fixed)


@st.composite
def changed(draw: st.DrawFn, requests: Sequence[WebhookRequest]) -> WebhookRequest:
    """One of the requests with its body damaged: in its bytes, or in the values that they mean."""
    request = draw(st.sampled_from(list(requests)))
    kind = draw(st.sampled_from(["bytes", "values", "values", "values"]))
    if kind == "values":
        if request.form:
            return with_body(request, _form(draw, request))
        try:
            document = json.loads(request.body)
        except ValueError:
            pass
        else:
            return with_body(request, json.dumps(_json(draw, document)).encode("utf-8", "surrogatepass"))
    return with_body(request, _bytes(draw, request.body))


def _bytes(draw: st.DrawFn, body: bytes) -> bytes:
    start = draw(st.integers(0, len(body)))
    stop = draw(st.integers(start, min(start + 20, len(body))))
    inserted = draw(st.binary(max_size=4) | st.sampled_from([b"\xff", b"\0", b"\xed\xa0\x80", b'"', b"}", b"&", b"%"]))
    return body[:start] if draw(st.booleans()) else body[:start] + inserted + body[stop:]


def _form(draw: st.DrawFn, request: WebhookRequest) -> bytes:
    pairs = [(name, value) for name, values in request.form.items() for value in values]
    place = draw(st.integers(0, len(pairs) - 1))
    name, value = pairs[place]
    what = draw(st.sampled_from(["without", "twice", "odd", "raw"]))
    if what == "without":
        del pairs[place]
    elif what == "twice":
        pairs.append((name, draw(st.just(value) | st.text(st.characters(codec="utf-8"), max_size=10))))
    elif what == "raw":
        rest = urlencode([pair for pair in pairs if pair != (name, value)])
        return f"{rest}&{quote_plus(name)}=%ff%00%ed%a0%80".encode()
    else:
        odd = draw(st.sampled_from([each for each in ODD_VALUES if isinstance(each, str)]) | st.text(max_size=20))
        pairs[place] = (name, odd)
    return "&".join(f"{quote_plus(n)}={quote_plus(v, errors='surrogatepass')}" for n, v in pairs).encode()


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
