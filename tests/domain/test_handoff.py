"""What of the bot's turns is worth a person's time, and how it stands in the handoff's event."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.domain.events import TriedAnswer
from hub.domain.handoff import (
    MOST_SUGGESTED,
    MOST_TRIED,
    WORTH_SUGGESTING,
    WORTH_TELLING,
    parse_suggestion,
    suggestion,
    worth_suggesting,
    worth_telling,
)

CONSIDERED = st.lists(
    st.builds(
        TriedAnswer,
        source=st.just("knowledge_base"),
        label=st.just("title"),
        score=st.floats(0, 1),
        given=st.booleans(),
        article_id=st.sampled_from("abcdef"),
        version=st.integers(1, 2),
        locale=st.sampled_from(["en", "es"]),
    )
    | st.builds(TriedAnswer, st.just("bot"), st.just("intent"), st.floats(0, 1), st.booleans()),
    max_size=2 * MOST_TRIED,
)


@given(article_id=st.text(), version=st.integers(0, 10**9), locale=st.sampled_from(["en", "es", "pt-BR", ""]))
def test_a_suggestion_is_read_back_whatever_the_id(article_id: str, version: int, locale: str) -> None:
    tried = TriedAnswer("knowledge_base", "title", 0.5, False, article_id, version, locale)
    assert parse_suggestion(suggestion(tried)) == (article_id, version, locale)


@given(considered=CONSIDERED)
def test_what_is_told_is_bounded_and_leaves_out_nothing_that_was_given(considered: list[TriedAnswer]) -> None:
    told = worth_telling(considered)
    assert len(told) <= MOST_TRIED
    worth = [each for each in considered if each.given or each.source == "bot" or each.score >= WORTH_TELLING]
    assert list(told) == worth[max(0, len(worth) - MOST_TRIED) :]


@given(tried=CONSIDERED)
def test_what_is_suggested_is_new_to_the_customer_and_the_best(tried: list[TriedAnswer]) -> None:
    suggested = worth_suggesting(tried)
    ids = [each.article_id for each in suggested]
    given_ids = {each.article_id for each in tried if each.given}
    possible = {
        each.article_id: max(other.score for other in tried if other.article_id == each.article_id)
        for each in tried
        if each.article_id and each.article_id not in given_ids and each.score >= WORTH_SUGGESTING
    }
    assert len(set(ids)) == len(ids) == min(MOST_SUGGESTED, len(possible))
    assert [each.score for each in suggested] == sorted(possible.values(), reverse=True)[:MOST_SUGGESTED]
    assert all(each.score == possible[each.article_id] for each in suggested)
