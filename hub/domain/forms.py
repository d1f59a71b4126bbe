"""Forms as providers send them, read once for whoever wants a field (WHATWG URL Standard, section 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote_to_bytes

FORM = "application/x-www-form-urlencoded"


# A channel asks for the same form twice, to believe it and to read it; those of a few calls at once are kept.
@lru_cache(maxsize=16)
def read_form(body: bytes) -> Mapping[str, tuple[str, ...]]:
    """Every value of every field, in order. What is no UTF-8 becomes U+FFFD: see `is_text`."""
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace"):
        fields[name] = (*fields.get(name, ()), value)
    return MappingProxyType(fields)


def is_text(body: bytes) -> bool:
    """Whether a form is written in ASCII, as the standard has it, and stands for nothing but UTF-8."""
    try:
        unquote_to_bytes(body).decode()
    except UnicodeDecodeError:
        return False
    return body.isascii()
