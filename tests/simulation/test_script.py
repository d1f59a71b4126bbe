"""The script: ours is whole and various, and a slip in a file is named."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from hub.domain.errors import Refused
from hub.simulation.players import PLAYERS
from hub.simulation.script import ANY, load, parse

GOOD = """
- id: en-lamp
  about: A lamp that hums all day
  language: en
  channel: any
  customers:
    sam: {name: Sam Reed, region: GB}
  turns:
    - {text: "it hums", expect: any_answer}
    - {text: "my number is {phone}", pause: 3d, channel: sms}
"""


def test_ours_is_large_and_in_both_languages() -> None:
    script = load()
    languages = Counter(each.language for each in script)
    assert len(script) >= 80
    assert languages["en"] >= 40
    assert languages["es"] >= 40
    assert languages.keys() >= {"mixed", "pt", "fr"}


def test_ours_can_be_played_on_the_channels_that_there_are() -> None:
    needed = {channel for each in load() for channel in each.channels}
    assert needed <= set(PLAYERS)
    for channel in PLAYERS:
        assert sum(each.channels <= {channel} for each in load()) >= 30, f"too few for {channel} alone"
    assert sum(len(each.channels) > 1 for each in load()) >= 8, "too few that change the channel"


def test_ours_has_mails_as_people_and_robots_write_them() -> None:
    told = [each for each in load() if any(turn.mail for turn in each.turns)]
    mails = [turn.mail for each in told for turn in each.turns if turn.mail]
    assert len(told) >= 12
    assert {mail.program for mail in mails} >= {"gmail", "outlook", "apple", "thunderbird"}
    assert sum(mail.out_of_office for mail in mails) >= 2
    assert any(len({turn.mail.subject for turn in each.turns if turn.mail and turn.mail.subject}) > 1 for each in told)
    assert any(
        len([turn for turn in each.turns if turn.mail and turn.mail.subject]) > 1
        and len({turn.mail.subject for turn in each.turns if turn.mail and turn.mail.subject}) == 1
        for each in told
    ), "two customers with one subject"


def test_how_a_mail_is_written_is_said_of_mails_alone() -> None:
    with pytest.raises(Refused, match="by sms"):
        parse("a.yml", GOOD.replace("channel: sms}", "channel: sms, mail: {program: gmail}}"))


def test_ours_has_what_makes_customers_customers() -> None:
    turns = [turn for each in load() for turn in each.turns]
    words = {turn.text.strip().upper() for turn in turns}
    assert words >= {"STOP", "START", "HELP", "BAJA", "ALTA", "AYUDA"}
    assert any(turn.pause >= 86_400 for turn in turns), "somebody comes back days later"
    assert any(len(turn.text) > 480 for turn in turns), "somebody writes more than three segments"
    assert any(turn.pictures and turn.channel == channel for turn in turns for channel in ("sms",))
    assert any(not turn.text.isascii() and len(turn.text) <= 5 for turn in turns), "somebody sends an emoji alone"
    assert any(len(each.customers) > 1 for each in load())


def test_turns_take_channel_and_customer_from_the_conversation() -> None:
    (conversation,) = parse("some.yml", GOOD)
    first, second = conversation.turns
    assert (first.who, first.channel, first.pause, first.expect) == ("sam", ANY, 5, "any_answer")
    assert (second.who, second.channel, second.pause, second.expect) == ("sam", "sms", 3 * 86_400, None)
    assert conversation.channels == {"sms"}


@pytest.mark.parametrize(
    ("slip", "written", "field"),
    [
        ('"it hums"', '"it hums", mood: angry', "turns.0.mood"),
        ('"it hums"', '""', "turns.0.text"),
        ('"it hums"', "12345678", "turns.0.text"),
        ("expect: any_answer", "expect: a_miracle", "turns.0.expect"),
        ("pause: 3d", "pause: soon", "turns.1.pause"),
        ("pause: 3d", "pause: -5s", "turns.1.pause"),
        ("channel: sms", "channel: no", "turns.1.channel"),
        ("{phone}", "{address}", "turns.1"),
        ("region: GB", "region: XX", "customers.sam"),
        ("name: Sam Reed, ", "", "customers.sam.name"),
        ('{text: "it hums"', '{who: tom, text: "it hums"', "en-lamp"),
        ("  channel: any\n", "", "turns.0.channel"),
        ("language: en", "language: de", "language"),
        ("id: en-lamp", "id: En Lamp", "id"),
    ],
)
def test_a_slip_is_refused_with_its_place(slip: str, written: str, field: str) -> None:
    assert slip in GOOD
    with pytest.raises(Refused) as refused:
        parse("some.yml", GOOD.replace(slip, written, 1))
    assert refused.value.field.startswith("some.yml, conversation ")
    assert refused.value.field.endswith(field)
    assert refused.value.rule


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("- id: [", "some.yml"),
        ("id: en-lamp", "some.yml"),
        (GOOD.replace("language: en", "language: en\n  language: es"), "some.yml, line 5, language"),
    ],
)
def test_what_is_no_script_is_refused(content: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        parse("some.yml", content)
    assert refused.value.field == field


def test_a_folder_is_checked_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="at least one"):
        load(tmp_path)
    (tmp_path / "a.yml").write_text(GOOD)
    assert [each.id for each in load(tmp_path)] == ["en-lamp"]
    (tmp_path / "b.yml").write_text(GOOD)
    with pytest.raises(Refused, match="en-lamp, id"):
        load(tmp_path)
    (tmp_path / "b.yml").write_text(GOOD.replace("en-lamp", "en-other").replace('"it hums"', '"see", pictures: [lamp]'))
    with pytest.raises(Refused, match="there is no lamp"):
        load(tmp_path)
    (tmp_path / "lamp.jpg").write_bytes(b"\xff\xd8\xff")
    assert len(load(tmp_path)) == 2
