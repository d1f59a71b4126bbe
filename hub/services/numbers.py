"""Telephone numbers: every spelling of one is one key.

The only file of the hub that knows `phonenumbers` (Google's libphonenumber, https://github.com/daviddrysdale/python-phonenumbers).
What that library does not fold is in `_VARIANTS`: spellings of a number that providers, old address books and people
still use though the numbering plan has moved on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

from hub.domain.errors import Refused

REGIONS = frozenset(phonenumbers.SUPPORTED_REGIONS)
# Shorter than this, digits without a country are a short code of the provider's, not a subscriber's number.
_SHORT_CODE = re.compile(r"\d{1,6}")
_EXTENSION = re.compile(r"(?:;ext=|,|[\s(.]*(?:extensi[oó]n|ext|anexo|int|x|#))[\s.:)]*\d{1,7}\s*\Z", re.IGNORECASE)
# What people write before the country's code instead of a plus: most of the world's prefix, and North America's.
_ABROAD = re.compile(r"[\s(]*(?:00|011)[\s)./-]*(?=[1-9０-９])")


@dataclass(frozen=True, slots=True)
class _Variant:
    """National digits that match `pattern` are written as `other`, where that is a valid number.

    `even_if_valid`: also where the digits are one as they stand. `code`: the country's, where it is another.
    """

    pattern: re.Pattern[str]
    other: str
    even_if_valid: bool = False
    code: int = 0


def _variant(pattern: str, other: str, *, even_if_valid: bool = False, code: int = 0) -> _Variant:
    return _Variant(re.compile(pattern), other, even_if_valid, code)


_VARIANTS: dict[int, tuple[_Variant, ...]] = {
    # Italy: a land line's 0 belongs to the number, also from abroad. San Marino is reached through Italy too.
    39: (
        _variant(r"0549(\d{6})", r"0549\1", even_if_valid=True, code=378),
        _variant(r"([1-9]\d+)", r"0\1"),
    ),
    378: (_variant(r"(\d{6})", r"0549\1"),),
    # Mexico: the 1 of mobiles (from abroad) and 01, 044 and 045 (at home) ended in 2019; WhatsApp still writes the 1.
    52: (_variant(r"(?:0?1|04[45])(\d{10})", r"\1"),),
    # Argentina: from abroad a mobile has a 9 before its area, at home a 15 after it; area and number are the same ten
    # digits, given out once. Without 9 and 15 all spellings are one.
    54: (
        _variant(r"9?(\d{2})15(\d{8})", r"9\1\2"),
        _variant(r"9?(\d{3})15(\d{7})", r"9\1\2"),
        _variant(r"9?(\d{4})15(\d{6})", r"9\1\2"),
        _variant(r"9(\d{10})", r"\1", even_if_valid=True),
    ),
    # Brazil: mobiles have had a ninth digit since 2016; WhatsApp leaves it out for older accounts.
    55: (_variant(r"(\d{2})([6-9]\d{7})", r"\g<1>9\2"),),
    # Ivory Coast since 2021: ten digits, a mobile's first two by operator, which its old number's second digit told.
    225: (
        _variant(r"([04-9][0-3]\d{6})", r"01\1"),
        _variant(r"([04-9][4-6]\d{6})", r"05\1"),
        _variant(r"([04-9][7-9]\d{6})", r"07\1"),
    ),
    # Benin since 2024: 01 before the eight digits.
    229: (_variant(r"(\d{8})", r"01\1"),),
}


@dataclass(frozen=True, slots=True)
class Number:
    """A telephone number. `key` is equal for all its spellings; `dialable` is what to call or text: the spelling that
    was meant, in E.164. An extension stands behind either as `;ext=`."""

    key: str
    dialable: str


def stated(field: str, text: str, region: str) -> Number:
    """The number that somebody typed.

    Args:
        field: its name, for the refusal.
        text: in any spelling.
        region: where it is from unless it says so itself (ISO 3166-1 alpha-2); empty: it must say so.

    Raises:
        Refused: what cannot be a number. One that only looks unusual is taken: numbering plans change faster than
            software.
    """
    found = read(text, region)
    if found is None and not region and read(text, "US") is None and not text.strip().startswith(("+", "00", "011")):
        raise Refused(field, "must be a telephone number that starts with the country, such as +34600123456")
    if found is None:
        raise Refused(field, "must be a whole telephone number, such as +34600123456")
    return found


def received(address: str, region: str) -> str:
    """The key of an address as a provider writes it.

    Short codes, names of senders and whatever else is no number are their own key: nobody's message is lost because of
    where it comes from.
    """
    if _SHORT_CODE.fullmatch(address):
        return address
    found = read(address, region)
    return found.key if found else address


@lru_cache(maxsize=8192)
def read(text: str, region: str) -> Number | None:
    """The number in a text that holds nothing else; None where it is none."""
    bare = _EXTENSION.sub("", text).removeprefix("tel:")
    if any(letter.isalpha() for letter in bare) or len(text) > 60:
        return None
    number = _parsed(text, region)
    # A plus, or a region that dials abroad with something else.
    if (number is None or not phonenumbers.is_valid_number(number)) and (abroad := _ABROAD.match(text)):
        number = _parsed("+" + text[abroad.end() :], "") or number
    if number is None:
        return None
    # In two steps: one to a number that can be dialled, one to the form by which all of its spellings are found.
    written = number if phonenumbers.is_valid_number(number) else _folded(number)
    folded = _folded(written)
    if not _is_whole(folded):
        return None
    extension = f";ext={number.extension}" if number.extension else ""
    return Number(_e164(folded) + extension, _e164(written) + extension)


@lru_cache(maxsize=8192)
def display(address: str, region: str) -> str:
    """A number as people write it: as at home where it is of the reader's region, else with its country. Everything
    else as it is."""
    if not address.startswith("+"):
        return address
    number = _parsed(address, "")
    if number is None or not _is_whole(number):
        return address
    at_home = bool(region) and phonenumbers.region_code_for_number(number) == region
    style = PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, style)


def mentioned(text: str, region: str) -> tuple[str, ...]:
    """The keys of the numbers in a text, in its order."""
    matches = phonenumbers.PhoneNumberMatcher(text, region or None)
    return tuple(dict.fromkeys(found.key for each in matches if (found := read(_e164(each.number), ""))))


def check_region(field: str, region: str) -> str:
    """The region as it is written in settings. Raises Refused for one that there is none of."""
    if region.upper() not in REGIONS:
        raise Refused(field, "must be a country's code of two letters, such as ES")
    return region.upper()


def _parsed(text: str, region: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region or None)
    except NumberParseException:
        return None


def _is_whole(number: PhoneNumber) -> bool:
    """Whether it has as many digits as the plan gives; a few numbers are shorter and can be called all the same."""
    reason = phonenumbers.is_possible_number_with_reason(number)
    return reason == ValidationResult.IS_POSSIBLE or phonenumbers.is_valid_number(number)


def _folded(number: PhoneNumber) -> PhoneNumber:
    """The number by the first variant that it is written in; itself where it is in none."""
    digits = phonenumbers.national_significant_number(number)
    valid = phonenumbers.is_valid_number(number)
    for variant in _VARIANTS.get(number.country_code or 0, ()):
        match = variant.pattern.fullmatch(digits)
        if match is None or (valid and not variant.even_if_valid):
            continue
        candidate = _parsed(f"+{variant.code or number.country_code}{match.expand(variant.other)}", "")
        if candidate is not None and phonenumbers.is_valid_number(candidate):
            return candidate
    return number


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
