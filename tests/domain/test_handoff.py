"""Suggested articles in the handoff's event."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.domain.events import TriedAnswer
from hub.domain.handoff import parse_suggestion, suggestion


@given(article_id=st.text(), version=st.integers(0, 10**9), locale=st.sampled_from(["en", "es", "pt-BR", ""]))
def test_a_suggestion_is_read_back_whatever_the_id(article_id: str, version: int, locale: str) -> None:
    tried = TriedAnswer("knowledge_base", "title", 0.5, False, article_id, version, locale)
    assert parse_suggestion(suggestion(tried)) == (article_id, version, locale)
