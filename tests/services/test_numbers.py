"""Every spelling of a telephone number is one key, and no two numbers share one."""

from __future__ import annotations

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from hub.domain.errors import Refused
from hub.domain.messages import Address
from hub.services import contacts, numbers

KINDS = (
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.VOIP,
    PhoneNumberType.PERSONAL_NUMBER,
    PhoneNumberType.PAGER,
    PhoneNumberType.UAN,
)
FULL_WIDTH = {ord(str(digit)): 0xFF10 + digit for digit in range(10)} | {ord("+"): 0xFF0B}


def examples(region: str) -> list[phonenumbers.PhoneNumber]:
    found = (phonenumbers.example_number_for_type(region, kind) for kind in KINDS)
    return [each for each in found if each is not None]


def key(text: str, region: str = "") -> str | None:
    found = numbers.read(text, region)
    return found.key if found else None


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_all_spellings_of_a_number_are_one(region: str) -> None:
    assert examples(region)
    for number in examples(region):
        digits = phonenumbers.national_significant_number(number)
        whole = f"{number.country_code}{digits}"
        international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
        spellings = [
            ("+" + whole, ""),
            ("+" + whole, "US"),
            (international, ""),
            (international, region),
            (international.translate(FULL_WIDTH), ""),
            (phonenumbers.format_number(number, PhoneNumberFormat.RFC3966), ""),
            (phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL), region),
            (phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL).replace(" ", "-"), region),
            (digits, region),
            (f"00{whole}", ""),
            (f"00 {number.country_code} {digits}", region),
            (f"011{whole}", "US"),
            (f"011 {number.country_code}-{digits}", "CA"),
        ]
        assert {key(*spelling) for spelling in spellings} == {key("+" + whole)}, region
        assert key("+" + whole) is not None
        assert contacts.canonical(Address("whatsapp", f"+{whole}"), "").value == key("+" + whole)
        again = key("+" + whole)
        assert again is not None
        assert key(again) == again, "a key is one of its spellings"


def test_different_numbers_never_share_a_key() -> None:
    """But for Argentina's example of a mobile: a land line's with a 9; its plan gives out only one of the two."""
    spelled: dict[str, set[str]] = {}
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for number in examples(region):
            wire = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            spelled.setdefault(key(wire) or "", set()).add(wire.replace("+549", "+54"))
    assert "" not in spelled
    assert {each: wires for each, wires in spelled.items() if len(wires) > 1} == {}


MEXICO = ("+525512345678", "+5215512345678", "55 1234 5678", "044 55 1234 5678", "045 55 1234 5678", "01 55 1234 5678")
BRAZIL = ("+5511987654321", "+551187654321", "(11) 98765-4321", "(11) 8765-4321", "0 11 98765-4321", "011 8765-4321")
ARGENTINA = (
    *("+5491123456789", "+541123456789", "+54 9 11 15 2345 6789", "+54 11 15 2345-6789"),
    *("011 15-2345-6789", "11 2345 6789", "9 11 2345 6789"),
)
CORDOBA = ("+5493512345678", "+543512345678", "0351 15 234-5678", "+54 9 351 15 234 5678")
RIO_GALLEGOS = ("+5492966412345", "+542966412345", "02966 15 41-2345", "+54 2966 15 412345")
ITALY = ("+39061234567", "06 123 4567", "+39 6 1234567", "+39 (0)6 1234567", "0039061234567")
ITALY_MOBILE = ("+393471234567", "347 123 4567", "0039 347 1234567")
SAN_MARINO = ("+3780549886377", "+390549886377", "+378 886377", "0549 886377", "886377")
IVORY_COAST = ("+2250707123456", "+22507123456", "07 12 34 56", "07 07 12 34 56")
BENIN = ("+2290197123456", "+22997123456", "97 12 34 56", "01 97 12 34 56")
BRITAIN = ("+442079460018", "+44 (0)20 7946 0018", "+44 020 7946 0018", "020 7946 0018", "0044 (0)20 7946 0018")
RUSSIA = ("+79123456789", "8 (912) 345-67-89", "8 10 7 912 345 67 89", "9123456789")
KAZAKHSTAN = ("+77012345678", "8 701 234 56 78", "701 234 5678")
HUNGARY = ("+36201234567", "06 20 123 4567", "20 123 4567")
UNITED_STATES = ("+12015550123", "(201) 555-0123", "1 201 555 0123", "201.555.0123", "001 201 555 0123")


@pytest.mark.parametrize(
    ("region", "spellings", "expected"),
    [
        ("MX", MEXICO, "+525512345678"),
        ("BR", BRAZIL, "+5511987654321"),
        ("AR", ARGENTINA, "+541123456789"),
        ("AR", CORDOBA, "+543512345678"),
        ("AR", RIO_GALLEGOS, "+542966412345"),
        ("IT", ITALY, "+39061234567"),
        ("IT", ITALY_MOBILE, "+393471234567"),
        ("SM", SAN_MARINO, "+3780549886377"),
        ("CI", IVORY_COAST, "+2250707123456"),
        ("BJ", BENIN, "+2290197123456"),
        ("GB", BRITAIN, "+442079460018"),
        ("RU", RUSSIA, "+79123456789"),
        ("KZ", KAZAKHSTAN, "+77012345678"),
        ("HU", HUNGARY, "+36201234567"),
        ("US", UNITED_STATES, "+12015550123"),
    ],
)
def test_the_spellings_that_plans_left_behind_are_one(region: str, spellings: tuple[str, ...], expected: str) -> None:
    assert {spelling: key(spelling, region) for spelling in spellings} == dict.fromkeys(spellings, expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+551123456789", "+5511923456789"),  # a land line of São Paulo is no mobile without its ninth digit
        ("+390549886377", "+39061234567"),
        ("+22505123456", "+22507123456"),  # two operators
        ("+34911234567", "+34911234567 ext. 12"),
        ("+34911234567 ext. 12", "+34911234567 ext. 13"),
        ("+525512345678", "+525512345679"),
    ],
)
def test_numbers_that_look_alike_are_kept_apart(one: str, other: str) -> None:
    assert None not in (key(one), key(other))
    assert key(one) != key(other)


@pytest.mark.parametrize("spelling", ["+34911234567 ext. 12", "+34911234567;ext=12", "+34 911 23 45 67 x12"])
def test_an_extension_belongs_to_the_number(spelling: str) -> None:
    assert key(spelling) == "+34911234567;ext=12"


@pytest.mark.parametrize(
    ("typed", "region", "dialable"),
    [
        ("011 15-2345-6789", "AR", "+5491123456789"),
        ("+54 11 15 2345 6789", "", "+5491123456789"),
        ("+541123456789", "", "+541123456789"),
        ("(11) 8765-4321", "BR", "+5511987654321"),
        ("+5215512345678", "", "+525512345678"),
        ("600 12 34 56", "ES", "+34600123456"),
    ],
)
def test_what_is_dialled_is_what_was_meant(typed: str, region: str, dialable: str) -> None:
    assert numbers.stated("phone", typed, region).dialable == dialable


@pytest.mark.parametrize(
    ("text", "region", "rule"),
    [
        ("600123456", "", "starts with the country"),
        ("", "ES", "whole telephone number"),
        ("five five five", "US", "whole telephone number"),
        ("1-800-FLOWERS", "US", "whole telephone number"),
        ("call me: 600123456", "ES", "whole telephone number"),
        ("555-0123", "US", "whole telephone number"),  # the area is missing
        ("+34 600 12 34 56 78 90", "", "whole telephone number"),
        ("+999123456789", "", "whole telephone number"),
        ("+", "ES", "whole telephone number"),
        ("1" * 300, "ES", "whole telephone number"),
        ("600123456\n600123457", "ES", "whole telephone number"),
    ],
)
def test_what_is_no_number_is_refused_with_field_and_rule(text: str, region: str, rule: str) -> None:
    with pytest.raises(Refused, match=f"mobile: .*{rule}"):
        numbers.stated("mobile", text, region)


def test_a_number_that_the_plan_does_not_know_is_taken() -> None:
    assert key("+1 (555) 123-0000") == "+15551230000"


@pytest.mark.parametrize(
    "sender", ["12345", "262966", "AMAZON", "INFO2024", "Mi Tienda", "anonymous", "+999", "5;x", ""]
)
@pytest.mark.parametrize("region", ["", "ES", "DE", "AD"])
def test_senders_that_are_no_numbers_are_themselves(sender: str, region: str) -> None:
    assert numbers.received(sender, region) == sender


@pytest.mark.parametrize(
    ("address", "region", "shown"),
    [
        ("+34600123456", "ES", "600 12 34 56"),
        ("+34600123456", "GB", "+34 600 12 34 56"),
        ("+34600123456", "", "+34 600 12 34 56"),
        ("+5491123456789", "AR", "011 15-2345-6789"),
        ("+5491123456789", "US", "+54 9 11 2345-6789"),
        ("+34911234567;ext=12", "", "+34 911 23 45 67 ext. 12"),
        ("262966", "US", "262966"),
        ("AMAZON", "US", "AMAZON"),
        ("+999", "US", "+999"),
    ],
)
def test_numbers_are_shown_as_the_reader_writes_them(address: str, region: str, shown: str) -> None:
    assert numbers.display(address, region) == shown


def test_numbers_in_a_text_are_found() -> None:
    text = "My number is 600 12 34 56, at work +44 (0)20 7946 0018; order 20251122."
    assert numbers.mentioned(text, "ES") == ("+34600123456", "+442079460018")


def test_addresses_that_are_no_numbers_are_left_alone() -> None:
    visitor = Address("webchat", "01ABC", "inbox")
    assert contacts.canonical(visitor, "ES") is visitor
    assert contacts.canonical(Address("email", "Ana@Example.ORG"), "").value == "ana@example.org"
