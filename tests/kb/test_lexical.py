from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.lexical import LexicalIndex, codes, fold, words


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "refunds", "Refund"),
        ("es", "contraseñas", "CONTRASENA"),
        ("es", "devoluciones", "devolución"),
        ("pt", "devolução", "DEVOLUCAO"),
        ("fr", "livraisons", "livraison"),
    ],
)
def test_forms_and_accents_meet(language: str, one: str, other: str) -> None:
    assert words(one, language) == words(other, language) != []


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "where is my and the"), ("es", "¿dónde está el de la?"), ("pt", "onde"), ("fr", "où est-ce que")],
)
def test_function_words_count_for_nothing(language: str, text: str) -> None:
    assert len(words(text, language)) <= 1


def test_a_language_without_stemmer_keeps_its_words() -> None:
    assert words("Wo ist mein Päckchen", "de") == ["wo", "ist", "mein", "packchen"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("it shows ERR-4012 again", {"err4012"}),
        ("pedido AB12CD y 4711009", {"ab12cd", "4711009"}),
        ("200 pieces in 48h, 100gb, 2fa, v2, 14 days", set()),
        ("e-mail", set()),
    ],
)
def test_codes(text: str, found: set[str]) -> None:
    assert codes(text) == found


def test_fold() -> None:
    assert fold("ÑandÚ Straße") == "nandu strasse"


def test_rare_words_weigh_more_and_coverage_is_a_share() -> None:
    index = LexicalIndex().changed({}, {0: ["order", "late"], 1: ["order", "cancel"], 2: ["order", "refund"]})
    scores, covered = index.scores(["order", "refund"])
    assert scores.argmax() == 2
    assert covered[2] == pytest.approx(1)
    assert 0 < covered[0] < 0.5
    assert index.scores(["nothing"])[1].tolist() == [0, 0, 0]
    assert index.scores([])[0].tolist() == [0, 0, 0]


DOCUMENTS = st.lists(st.lists(st.sampled_from("abcde"), max_size=6), min_size=1, max_size=8)


@given(before=DOCUMENTS, gone=st.sets(st.integers(0, 7)), after=DOCUMENTS, query=st.lists(st.sampled_from("abcdef")))
def test_a_changed_index_scores_like_one_built_anew(
    before: list[list[str]], gone: set[int], after: list[list[str]], query: list[str]
) -> None:
    first = LexicalIndex().changed({}, dict(enumerate(before)))
    untouched = first.scores(query)[0].copy()
    removed = {row: before[row] for row in gone if row < len(before)}
    added = dict(enumerate(after, start=len(before)))
    changed = first.changed(removed, added)
    kept = {row: text for row, text in [*enumerate(before), *added.items()] if row not in removed}
    anew = LexicalIndex().changed({}, kept)
    for ours, theirs in zip(changed.scores(query), anew.scores(query), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    np.testing.assert_array_equal(first.scores(query)[0], untouched)
