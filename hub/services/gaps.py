"""What customers ask and nobody but a person can answer: found, ranked by what it costs, written about, measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hub.domain import events as e
from hub.domain import gaps as rules
from hub.domain.assist import Said, without_secrets
from hub.domain.errors import Conflict, NotFound, Unavailable
from hub.domain.gaps import Question
from hub.domain.handling import handling
from hub.domain.messages import WITH_CUSTOMER
from hub.hub import Hub
from hub.services import articles
from hub.store import tables as t
from hub.store.queries import gaps, messages, past, solved
from hub.store.unit_of_work import Store, Tx, UseCase

# Conversations that are looked at, the newest; what is older than the window is left out anyway.
_MOST = 20_000
# Questions of a published gap that later ones are compared with.
_EXAMPLES = 50
# As near as questions must be to count as the same gap; see kb.likeness.SAME.
_SAME = 0.5


@dataclass(frozen=True, slots=True)
class _Found:
    """A group of questions with its name."""

    questions: tuple[Question, ...]
    name: str
    words: tuple[str, ...]


def unanswered(store: Store, since: int) -> list[Question]:
    """The messages of closed conversations that only a person could answer, since a time (microseconds)."""
    with store.read() as connection:
        conversations = past.closed(connection, _MOST)
    found: list[Question] = []
    for start in range(0, len(conversations), past.CHUNK):
        some = conversations[start : start + past.CHUNK]
        with store.read() as connection:
            events = past.events(connection, [each[0] for each in some])
            asked = {each[0]: _asked(events.get(each[0], []), since) for each in some}
            texts = past.texts(connection, [message_id for each in asked.values() for message_id in each])
        for conversation_id, _, language in some:
            minutes = handling(events.get(conversation_id, []))
            put = {each: why for each, why in asked[conversation_id].items() if texts.get(each, "").strip()}
            for message_id, (reason, at) in put.items():
                share = minutes // len(put)
                found.append(Question(message_id, conversation_id, at, texts[message_id], language, reason, share))
    return found


def conversation(store: Store, gap_id: str, conversation_id: str) -> list[Said]:
    """What was said with the customer in a conversation behind a gap, without secrets. Raises NotFound for any other:
    editors read no conversations."""
    with store.read() as connection:
        if not gaps.is_behind(connection, gap_id, conversation_id):
            raise NotFound(f"there is no conversation {conversation_id} behind the gap {gap_id}")
        thread, _ = messages.thread(connection, [conversation_id], limit=60)
    said = [Said(each.id, each.kind, each.author_kind, without_secrets(each.text)) for each in thread]
    return [each for each in said if each.kind in WITH_CUSTOMER and each.text.strip()]


def _asked(events: Sequence[e.Recorded], since: int) -> dict[str, tuple[str, int]]:
    turns: list[e.BotTurnDecided] = []
    times: dict[str, int] = {}
    handed_over = ""
    for recorded in events:
        if isinstance(recorded.event, e.BotTurnDecided):
            turns.append(recorded.event)
            times[recorded.event.message_id] = recorded.at
        elif isinstance(recorded.event, e.HandedOver):
            handed_over = recorded.event.reason
            break
    why = rules.why_unanswered(turns, handed_over)
    return {each: (reason, times[each]) for each, reason in why.items() if times[each] >= since}


def mine(hub: Hub) -> UseCase[dict[str, int]]:
    """Groups what was not answered in the last four weeks. Returns the use case that keeps it.

    Raises Unavailable where there is no knowledge base, or its models still warm up.
    """
    if hub.knowledge is None:
        raise Unavailable("this installation has no knowledge base", retry_after=3600)
    now = hub.clock.now()
    questions = unanswered(hub.store, now - rules.WINDOW)
    imprints = dict(zip(questions, hub.knowledge.imprint([each.text for each in questions]), strict=True))
    with hub.store.read() as connection:
        known = {row.id: row for row in gaps.every(connection, limit=10_000)}
        placed = gaps.by_message(connection)
        published = {
            row.id: row.published_at or gaps.published_at(connection, row.article_id)
            for row in known.values()
            if row.article_id
        }
    again: dict[str, list[Question]] = {}
    taken: set[Question] = set()
    for gap_id, at in published.items():
        if not at:
            continue
        examples = [imprints[each] for each in questions if placed.get(each.message_id) == gap_id][:_EXAMPLES]
        like = [
            each
            for each in questions
            if placed.get(each.message_id) == gap_id
            or (examples and max(hub.knowledge.likeness(imprints[each], examples)) >= _SAME)
        ]
        again[gap_id] = [each for each in like if each not in taken]
        taken |= set(like)
    rest = [each for each in questions if each not in taken]
    groups = hub.knowledge.groups(
        [each.text for each in rest], [each.language for each in rest], [imprints[each] for each in rest]
    )
    found = [
        _Found(tuple(rest[place] for place in group.places), rest[group.centre].text, group.words)
        for group in groups
        if len(group.places) >= rules.LEAST_QUESTIONS
    ]

    def keep(tx: Tx) -> dict[str, int]:
        for gap_id, at in published.items():
            if at:
                _measure(tx, known[gap_id], at, again[gap_id])
        used: set[str] = set(again)
        for each in found:
            used.add(_keep(tx, each, placed, used, now))
        for gap_id, row in known.items():
            if row.state == "open" and gap_id not in used:
                tx.remove(t.gap_question, {"gap_id": gap_id})
                tx.remove(t.gap, {"id": gap_id})
        return {"questions": len(questions), "gaps": len(found)}

    return keep


def _keep(tx: Tx, found: _Found, placed: dict[str, str], used: set[str], now: int) -> str:
    """Keeps a group: as the gap that most of its questions were in before, else as a new one. Returns its id."""
    before = Counter(placed[each.message_id] for each in found.questions if each.message_id in placed)
    gap_id = next((each for each, _ in before.most_common() if each not in used), "") or tx.new_id()
    minutes = rules.weekly(found.questions, now - rules.WINDOW, now + 1)
    values = {
        "name": " ".join(found.name.split())[:200],
        "words": " ".join(found.words),
        "language": found.questions[0].language,
        "questions": len(found.questions),
        "minutes": round(100 * minutes),
        "updated_at": now,
    }
    tx.upsert(t.gap, {"id": gap_id}, values)
    _place(tx, gap_id, found.questions)
    return gap_id


def _place(tx: Tx, gap_id: str, questions: Sequence[Question]) -> None:
    for each in questions:
        values = {"gap_id": gap_id, "conversation_id": each.conversation_id, "reason": each.reason, "at": each.at}
        tx.upsert(t.gap_question, {"message_id": each.message_id}, values | {"handled": each.handled})


def _measure(tx: Tx, row: Any, at: int, like: Sequence[Question]) -> None:
    """What a published gap costs now against before its article; told two weeks after, once."""
    values: dict[str, int | str] = {"state": "published", "published_at": at}
    gap_id = str(row.id)
    if not row.published_at:
        earlier = [each for each in like if each.at < at]
        values["before"] = round(100 * rules.weekly(earlier, at - rules.WINDOW, at)) or int(row.minutes)
    if tx.now >= at + rules.MEASURED_AFTER:
        later = [each for each in like if at <= each.at < at + rules.MEASURED_AFTER]
        if not row.measured_at:
            values |= {"after": round(100 * rules.weekly(later, at, at + rules.MEASURED_AFTER)), "measured_at": tx.now}
    tx.change(t.gap, {"id": gap_id}, values)
    _place(tx, gap_id, like)


def begin_article(tx: Tx, gap_id: str, by: e.Actor) -> tuple[str, str]:
    """A draft made of what agents answered. Returns (article, locale). Raises NotFound, Conflict."""
    row = gaps.one(tx.connection, gap_id)
    if row is None:
        raise NotFound(f"there is no gap {gap_id}")
    if row.article_id:
        raise Conflict("an article was begun for this already")
    asked = gaps.questions(tx.connection, gap_id)
    locale = row.language or "en"
    answers = []
    for conversation_id, language in {each.conversation_id: each.language for each in asked}.items():
        # The longest of a conversation's answers explains; the others greet and thank.
        longest = max(solved.answers(tx.connection, conversation_id), key=len, default="")
        if longest:
            answers.append((language, longest))
    # In another language only where nobody answered in the article's.
    said = Counter([each for language, each in answers if language == locale] or [each for _, each in answers])
    title, body = rules.draft(row.name, sorted(said, key=lambda each: (-said[each], -len(each))))
    article_id = articles.create(tx, locale=locale, title=title, body=body or title, by=by)
    tx.change(t.gap, {"id": gap_id}, {"state": "drafted", "article_id": article_id, "locale": locale})
    return article_id, locale


def dismiss(tx: Tx, gap_id: str) -> None:
    """Nobody shall write about it. Raises NotFound."""
    if gaps.one(tx.connection, gap_id) is None:
        raise NotFound(f"there is no gap {gap_id}")
    tx.change(t.gap, {"id": gap_id}, {"state": "dismissed"})
