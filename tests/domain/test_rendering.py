"""What the hub itself says: the same in both languages."""

from __future__ import annotations

import string

import pytest

from hub.domain import rendering


def placeholders(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("name", sorted(rendering._PHRASES))
def test_every_phrase_is_there_in_both_languages_with_the_same_places(name: str) -> None:
    phrases = rendering._PHRASES[name]
    assert set(phrases) == {"en", "es"}
    assert placeholders(phrases["en"]) == placeholders(phrases["es"])
    assert phrases["en"] != phrases["es"]
    values = dict.fromkeys(filter(None, placeholders(phrases["en"])), 4)
    for language in ("en", "es"):
        said = rendering.phrase(name, language, **values)
        assert said
        assert "{" not in said


def test_a_language_that_is_not_spoken_gets_the_default() -> None:
    assert [rendering.served(each) for each in ("es", "en", "fr", "")] == ["es", "en", "en", "en"]
    assert rendering.phrase("ask_person", "fr") == rendering.phrase("ask_person", "en")
    with pytest.raises(KeyError):
        rendering.phrase("never_said", "en")


@pytest.mark.parametrize(
    ("reason", "begins"),
    [
        ("bot_timeout", ("Sorry", "Lo siento")),
        ("bot_error", ("Sorry", "Lo siento")),
        ("verification_failed", ("I could not confirm", "No he podido confirmar")),
        ("customer_asked", ("I am passing you", "Le paso")),
        ("not_understood", ("I am passing you", "Le paso")),
    ],
)
def test_the_customer_is_told_why_a_person_comes_and_the_place(reason: str, begins: tuple[str, str]) -> None:
    for language, begin in zip(("en", "es"), begins, strict=True):
        assert rendering.handoff_text(reason, 1, language).startswith(begin)
        assert "17" in rendering.handoff_text(reason, 17, language)
        assert rendering.handoff_text(reason, 0, language) == rendering.handoff_text(reason, 1, language)
        assert "{" not in rendering.handoff_text(reason, 2, language)


def test_choices_are_lines_where_there_are_no_buttons() -> None:
    assert rendering.numbered("Is it broken?", ("Yes", "No")) == "Is it broken?\n1. Yes\n2. No"
    assert rendering.numbered("Hello", ()) == "Hello"
