from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from kb.chunking import spans, split

TEXTS = st.text(alphabet=st.sampled_from("ab é.!?\n\t «»\"')…"), max_size=600) | st.text(max_size=300)


@given(text=TEXTS, limit=st.integers(20, 120), overlap=st.integers(0, 60))
@example(text="a" * 300, limit=20, overlap=10)
@example(text=". " * 200, limit=20, overlap=19)
@example(text="x.\n\n" * 100, limit=30, overlap=30)
def test_no_text_is_lost_and_no_passage_is_too_long(text: str, limit: int, overlap: int) -> None:
    found = spans(text, limit=limit, overlap=overlap)
    seen = 0
    for start, end in found:
        assert start < end <= start + limit + limit // 4
        assert start >= seen - overlap
        assert not text[seen:start].strip()
        assert end > seen
        seen = end
    assert not text[seen:].strip()


def test_a_short_article_is_one_passage() -> None:
    body = "Open the sign-in page, choose Forgot password and follow the link we email you."
    assert split(f"\n {body} ") == (body,)


def test_an_empty_article_has_none() -> None:
    assert split(" \n ") == ()


def test_paragraphs_are_cut_before_sentences() -> None:
    first, second = "One sentence. Another one follows here." * 2, "A paragraph of its own. " * 4
    assert split(f"{first}\n\n{second}", limit=100)[0] == first


def test_a_cut_inside_a_paragraph_repeats_the_last_sentence() -> None:
    text = "Open the parcel with care. Keep the box. It is needed to send the parcel back. Then write to us at once."
    pieces = split(text, limit=60, overlap=40)
    assert pieces[0] == "Open the parcel with care. Keep the box."
    assert pieces[1].startswith("Keep the box. It is needed")


def test_a_word_longer_than_a_passage_is_cut() -> None:
    assert "".join(split("x" * 250, limit=100)) == "x" * 250
