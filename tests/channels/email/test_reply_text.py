"""The reply's own text: the rules that the corpus does not show one by one."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email.reply_text import reply_text

INTRO = "On Mon, Nov 20, 2023 at 10:00 AM Shop <help@shop.example> wrote:"


def test_the_rest_and_the_rule_are_told() -> None:
    found = reply_text(f"Yes.\n\nKind regards,\nAna\n\n{INTRO}\n\n> Is it?\n> Tell me.\n")
    assert found.own_text == "Yes."
    assert found.rule == "intro line"
    assert found.ends == ("closing",)
    assert "Kind regards" in found.rest
    assert "> Is it?" in found.rest


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Yes.\n", ""),
        (f"Yes.\n\n{INTRO}\n> Is it?", "intro line"),
        ("Yes.\n\n-----Original Message-----\nIs it?", "original message"),
        ("Yes.\n\n----- Forwarded message -----\nIs it?", "forwarded message"),
        ("Yes.\n\nFrom: Shop <a@b.example>\nSent: Monday\nSubject: x\n\nIs it?", "header block"),
        ("Yes.\n\n> Is it?\n> Tell.\n> Now.", "marked lines"),
        ("Yes.\n\n##- Please type your reply above this line -##\n\nIs it?", "reply above this line"),
        (f"{INTRO}\n> Is it?", "nothing above the quote"),
    ],
)
def test_every_rule_has_a_name(text: str, rule: str) -> None:
    assert reply_text(text).rule == rule


@pytest.mark.parametrize(
    "html",
    [
        "<div>Yes.</div><blockquote type=cite>Is it?</blockquote>",
        "<div>Yes.</div><div id=divRplyFwdMsg>From: x</div><div>Is it?</div>",
        "<div>Yes.</div><div class=x_gmail_quote><div>Is it?</div></div>",
        "<div>Yes.</div><div name=quote>Is it?</div>",
        f"<div>Yes.</div><div>{INTRO.replace('<', '&lt;').replace('>', '&gt;')}</div><blockquote>Is it?</blockquote>",
    ],
)
def test_pages(html: str) -> None:
    found = reply_text("", html)
    assert found.own_text == "Yes."
    assert "Is it?" in found.rest


def test_a_page_that_marks_its_quote_is_surer_than_the_text_beside_it() -> None:
    found = reply_text("Yes.\n\nIs it?", "<div>Yes.</div><blockquote type=cite>Is it?</blockquote>")
    assert found.own_text == "Yes."
    assert found.rule == "blockquote type=cite"


def test_a_page_without_marks_leaves_it_to_the_text() -> None:
    assert reply_text(f"Yes.\n\n{INTRO}\n> Is it?", "<p>Yes.</p><p>Is it?</p>").own_text == "Yes."


def test_nothing_is_nothing() -> None:
    assert reply_text("", "").own_text == ""
    assert reply_text("\n \n", "<p></p>").own_text == ""


lines = st.sampled_from(
    [
        "Yes, the blue one.",
        "",
        "> quoted",
        ">> twice",
        INTRO,
        "-- ",
        "Ana",
        "Sent from my iPhone",
        "Kind regards,",
        "From: a@b.c",
        "Sent: 20 Nov 2023 10:00",
        "Subject: x",
        "To: b@c.d",
        "-----Original Message-----",
        "________________________________",
        "AVISO LEGAL: nada",
        "CAUTION: This email is from an external sender",
        "What? ",
        "- one",
        "1. two",
    ]
)


@given(st.lists(lines, max_size=14))
def test_no_word_is_lost_and_own_text_is_never_empty(given_lines: list[str]) -> None:
    text = "\n".join(given_lines)
    found = reply_text(text)

    def words(value: str) -> list[str]:
        return sorted(re.findall(r"[\w@.]+", value))

    assert words(f"{found.own_text}\n{found.rest}") == words(text)
    assert bool(found.own_text) == bool(text.strip())


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_text_is_taken(text: str, html: str) -> None:
    reply_text(text, html)


@pytest.mark.parametrize(
    "text",
    [
        ">" * 1000000,
        " " * 1000000,
        "> " * 500000,
        ("> " * 200 + "\n") * 5000,
        "\n" * 1000000,
        "a@" * 500000,
        ("On " * 190 + "\n") * 2000,
        ("x " * 290 + "wrote:\n") * 2000,
        "From: " * 200000,
        ("de " * 190 + ":\n") * 2000,
        "-" * 1000000,
        "_" * 1000000,
        (" " * 599 + "\n") * 2000,
        ("Thanks " * 60 + "\n") * 2000,
        ("1 " * 290 + "\n") * 2000,
        ("El 1 de " * 40 + "escribió:\n") * 2000,
        ("<a@b.c> " * 50 + ":\n") * 2000,
        "(https://" * 100000,
    ],
    ids=range(18),
)
def test_hostile_texts_take_little_time(text: str) -> None:
    started = time.process_time()
    reply_text(f"hello\n{text}")
    assert time.process_time() - started < 5
