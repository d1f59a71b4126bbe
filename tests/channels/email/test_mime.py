"""What the parser promises besides the corpus: one value for one mail, names that are safe, limits that hold."""

from __future__ import annotations

import base64
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.headers import addresses, file_name, message_ids, parameters, readable
from channels.email.html import clean_html
from channels.email.mime import LIMITS, Limits, Mail, Unparsed, calendar_summary, parse_mail
from channels.email.reply_text import reply_text
from channels.email.robots import bounces, complaint, robot, spam_verdict
from channels.email.tnef import read_tnef
from tests.channels.email.corpus import mail, multipart, samples, text_part, tnef


def read(raw: bytes, limits: Limits = LIMITS) -> Mail:
    found = parse_mail(raw, limits)
    assert isinstance(found, Mail)
    return found


def test_the_same_bytes_give_equal_values() -> None:
    for one in [each for each in samples() if len(each.raw) < 50_000][::7]:
        assert parse_mail(one.raw) == parse_mail(one.raw)


def test_a_mail_is_a_value() -> None:
    with pytest.raises(FrozenInstanceError):
        read(mail()).subject = "other"  # type: ignore[misc]


def test_a_mail_without_an_id_gets_one_from_its_bytes() -> None:
    first, again, other = read(mail(message_id="")), read(mail(message_id="")), read(mail("Bye", message_id=""))
    assert first.synthetic_id
    assert first.message_id == again.message_id
    assert first.message_id != other.message_id
    assert not read(mail()).synthetic_id


def test_a_good_mail_has_no_notes() -> None:
    assert read(mail()).notes == ()
    assert read(multipart(text_part("a"), text_part("<p>a</p>", "html"), kind="alternative")).notes == ()


def test_ids_of_a_gateway_are_ids_of_the_mail() -> None:
    found = read(mail(headers="X-Microsoft-Original-Message-ID: <mine@x.example>\n"))
    assert found.message_ids == ("m1@customer.example", "mine@x.example")


def test_a_reply_names_its_parents() -> None:
    found = read(
        mail(headers="In-Reply-To: <b@x>\nReferences: <a@x>\n <b@x>\nThread-Index: AdoX\nThread-Topic: Order\n")
    )
    assert found.in_reply_to == ("b@x",)
    assert found.references == ("a@x", "b@x")
    assert (found.thread_index, found.thread_topic) == ("AdoX", "Order")


def test_of_too_many_references_the_root_and_the_nearest_stay() -> None:
    ids = message_ids(" ".join(f"<{number}@x>" for number in range(50)), limit=10)
    assert ids == ("0@x", *(f"{number}@x" for number in range(41, 50)))


def test_where_a_mail_was_delivered() -> None:
    found = read(mail(headers="Delivered-To: help+c1@shop.example\nX-Original-To: <info@shop.example>\n"))
    assert [one.address for one in found.delivered_to] == ["help+c1@shop.example", "info@shop.example"]


def test_images_are_found_by_their_content_id() -> None:
    image = b"Content-Type: image/png\nContent-ID: <i1@x>\nContent-Transfer-Encoding: base64\n\niVBO"
    found = read(multipart(text_part('<img src="cid:i1@x">', "html"), image, kind="related"))
    assert found.content_ids == {"i1@x": 0}
    assert 'data-attachment="0"' in clean_html(found.html, found.content_ids).html


def test_a_mail_from_nobody_has_no_author() -> None:
    assert read(mail(sender="")).author is None


def test_who_wrote_is_found_in_other_headers() -> None:
    found = read(mail(sender="", headers="Sender: <robot@x.example>\nReply-To: ana@x.example\n"))
    assert found.author is not None
    assert found.author.address == "robot@x.example"


@pytest.mark.parametrize(
    ("limits", "note"),
    [
        (Limits(parts=3), "more than 3 parts"),
        (Limits(text=4), "text is cut after 4"),
        (Limits(header_fields=3), "more than 3 headers"),
        (Limits(recipients=1), "more than 1 addresses"),
        (Limits(lines=5), "told apart"),
        (Limits(work=5), "told apart"),
    ],
)
def test_limits_cut_with_a_note(limits: Limits, note: str) -> None:
    raw = multipart(*(text_part(f"Part {number}") for number in range(6)), headers="Cc: a@x.example, b@x.example\n")
    assert any(note in each for each in read(raw, limits).notes)


def test_a_mail_that_is_too_large_is_refused_with_its_bytes() -> None:
    refused = parse_mail(mail("x" * 200), Limits(size=100))
    assert isinstance(refused, Unparsed)
    assert "larger than 100 bytes" in refused.reason


def test_a_cut_body_is_kept_as_a_file() -> None:
    found = read(mail("0123456789"), Limits(text=4))
    assert found.text == "0123"
    assert found.parts[0].content.strip() == b"0123456789"


@pytest.mark.parametrize(
    "name", ["../../x", "..\\x", "a/b", "C:\\x", "\0x", "x\n", ".", "..", " . ", "\u202ex", "a" * 999]
)
def test_names_of_files_hold_no_path(name: str) -> None:
    safe = file_name(name)
    assert not set(safe) & set('/\\\0\n\u202e<>:"|?*')
    assert safe not in (".", "..")
    assert len(safe) <= 180


@given(st.text(max_size=300))
def test_header_readers_take_any_text(value: str) -> None:
    readable(value)
    addresses(value, 10)
    message_ids(value)
    parameters(value)
    file_name(value)
    calendar_summary(value)


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60))
def test_a_subject_survives_its_encoding(subject: str) -> None:
    words = base64.b64encode(subject.encode()).decode()
    wanted = " ".join(subject.split())
    got = read(mail(subject=f"=?utf-8?B?{words}?=")).subject
    assert got == wanted or "=?" in subject


MUTABLE = [one.raw for one in samples() if 50 < len(one.raw) < 5_000]


@settings(max_examples=150)
@given(
    raw=st.sampled_from(MUTABLE),
    changes=st.lists(
        st.tuples(st.integers(0, 5_000), st.integers(0, 12), st.binary(max_size=6)), min_size=1, max_size=8
    ),
)
def test_damaged_mails_are_read_or_refused(raw: bytes, changes: list[tuple[int, int, bytes]]) -> None:
    for at, length, put in changes:
        at %= len(raw) + 1
        raw = raw[:at] + put + raw[at + length :]
    found = parse_mail(raw)
    assert found.raw == raw
    if isinstance(found, Unparsed):
        assert "cannot be read" not in found.reason
        return
    reply_text(found.text, found.html)
    assert "<script" not in clean_html(found.html, found.content_ids).html.lower()
    robot(found)
    bounces(found)
    complaint(found)
    spam_verdict(found)


@given(st.binary(max_size=600))
def test_bytes_of_any_kind_are_read_or_refused(raw: bytes) -> None:
    assert isinstance(parse_mail(raw), Mail | Unparsed)
    assert isinstance(parse_mail(b"Subject: x\r\nMIME-Version: 1.0\r\n" + raw), Mail | Unparsed)


def test_what_was_not_foreseen_is_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("channels.email.mime._header_values", fails)
    refused = parse_mail(mail())
    assert isinstance(refused, Unparsed)
    assert refused.reason == "cannot be read (RuntimeError, RuntimeError)"
    assert refused.raw == mail()


def test_a_mail_whose_parts_cannot_be_told_apart_is_shown_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RecursionError

    monkeypatch.setattr("channels.email.mime._Collector.visit", fails)
    found = read(mail("Hello there"))
    assert found.subject == "Order 44"
    assert found.text.strip() == "Hello there"
    assert "parts could not be told apart: the body is shown as it came" in found.notes


class TestTnef:
    def test_files_and_text(self) -> None:
        inside = read_tnef(tnef((("año.pdf", b"%PDF"), ("b.txt", b"")), "text", "<p>html</p>"))
        assert [(one.name, one.content) for one in inside.files] == [("año.pdf", b"%PDF"), ("b.txt", b"")]
        assert (inside.text, inside.html, inside.notes) == ("text", "<p>html</p>", ())

    def test_no_tnef(self) -> None:
        with pytest.raises(ValueError, match="signature"):
            read_tnef(b"PK\x03\x04")

    def test_cut_short(self) -> None:
        whole = tnef((("a.pdf", b"x" * 100),))
        assert read_tnef(whole[:-60]).notes

    @given(st.integers(0, 400), st.binary(max_size=20))
    def test_damaged(self, at: int, put: bytes) -> None:
        whole = tnef((("a.pdf", b"x" * 100),), "text")
        read_tnef(whole[:4] + (whole[4 : 4 + at] + put + whole[4 + at + len(put) :]))


def test_an_invitation_in_one_line() -> None:
    text = (
        "BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nBEGIN:VEVENT\r\nSUMMARY:Cita\r\nDTSTART:20261125T090000Z\r\nEND:VEVENT\r\n"
    )
    assert calendar_summary(text) == "CANCEL: Cita, 2026-11-25 09:00 UTC"
    assert (
        calendar_summary(text.replace("T090000Z", "").replace("DTSTART", "DTSTART;VALUE=DATE"))
        == "CANCEL: Cita, 2026-11-25"
    )
    assert calendar_summary("BEGIN:VCALENDAR") == ""
