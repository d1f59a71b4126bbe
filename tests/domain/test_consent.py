"""Words of consent: what counts, and what is only part of a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.consent import DEFAULT_WORDS, UNITED_STATES_STOP, ConsentWords, consent_word, plain, words
from hub.domain.errors import Refused
from hub.domain.messages import ConsentWord

STOP, START, HELP = ConsentWord.STOP, ConsentWord.START, ConsentWord.HELP


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("STOP", STOP),
        ("stop", STOP),
        (" Stop.\n", STOP),
        ("s\u0301top", STOP),
        ("STOP STOP STOP!!!", STOP),
        ("\u201cSTOP\u201d \U0001f6d1", STOP),
        ("ＳＴＯＰ", STOP),
        ("StopAll", STOP),
        ("Stop all", STOP),
        ("opt-out", STOP),
        ("Unsubscribe", STOP),
        ("revoke", STOP),
        ("¡ALTO!", STOP),
        ("Baja", STOP),
        ("parar", STOP),
        ("Darme de baja, por favor", None),
        ("darme  de  baja", STOP),
        ("No mas mensajes", STOP),
        ("No más mensajes.", STOP),
        ("START", START),
        ("unstop", START),
        ("Alta", START),
        ("REANUDAR", START),
        ("help", HELP),
        ("Help?", HELP),
        ("INFO", HELP),
        ("¿Ayuda?", HELP),
        ("", None),
        ("   ", None),
        ("?!", None),
        ("stop please", None),
        ("please stop the delivery", None),
        ("help me", None),
        ("ayuda con mi pedido", None),
        ("dar de baja mi suscripción", None),
        ("s t o p", None),
        ("stopp", None),
        ("stop" + " " * 100 + "stop", None),
    ],
)
def test_only_the_word_itself_counts(text: str, word: ConsentWord | None) -> None:
    assert consent_word(text) is word


@pytest.mark.parametrize("text", ["cancel", "Cancelar", "END", "quit", "fin", "salir", "no", "yes", "Sí", "y", "vale"])
def test_what_people_say_to_a_shop_ends_nothing(text: str) -> None:
    assert consent_word(text) is None


@pytest.mark.parametrize("text", ["Cancel", "END!", "quit"])
def test_in_the_united_states_the_law_names_more_words(text: str) -> None:
    assert consent_word(text, also_stop=UNITED_STATES_STOP) is STOP
    assert consent_word("cancel my order", also_stop=UNITED_STATES_STOP) is None


def test_an_inbox_may_have_words_of_its_own() -> None:
    own = ConsentWords(stop=words("Cancelar", "Se acabó"), start=words("Volver"), help=words("¿Quién?"))
    assert consent_word("¡se ACABO!", own) is STOP
    assert (consent_word("cancelar", own), consent_word("volver", own), consent_word("quien", own)) == (
        STOP,
        START,
        HELP,
    )
    assert consent_word("stop", own) is None


def test_a_word_means_one_thing() -> None:
    with pytest.raises(Refused) as refused:
        ConsentWords(stop=words("alto"), start=words("ÁLTO"), help=frozenset())
    assert (refused.value.field, refused.value.rule) == (
        "start_words",
        "must not hold 'alto', which means something else already",
    )
    with pytest.raises(Refused, match="help_words"):
        ConsentWords(stop=frozenset(), start=words("info"), help=words("info"))


@given(st.text(max_size=120))
def test_any_text_is_taken_and_its_plain_form_stays_as_it_is(text: str) -> None:
    assert consent_word(text) in {None, STOP, START, HELP}
    assert plain(plain(text)) == plain(text)


@given(st.sampled_from(sorted(DEFAULT_WORDS.stop)), st.sampled_from(["{}", " {}! ", "¡{}!", "({})", "{}\n{}"]))
def test_every_word_counts_however_it_is_dressed(word: str, dress: str) -> None:
    assert consent_word(dress.format(word.upper(), word)) is STOP


@given(st.sampled_from(sorted(DEFAULT_WORDS.stop)), st.sampled_from(["order", "pedido", "la", "now", "9"]))
def test_no_word_counts_beside_another(word: str, other: str) -> None:
    assert consent_word(f"{word} {other}") is None
    assert consent_word(f"{other} {word}") is None
