"""What an agent is shown while they read: answers with their source, solved conversations like this one, a summary;
and where the installation allows it, a draft by a language model. None of it reaches a customer by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub.domain import assist
from hub.domain.assist import Said, Sentence, Source
from hub.domain.errors import HubError, NotFound, Unavailable
from hub.domain.handoff import WORTH_SUGGESTING
from hub.domain.knowledge import FoundAnswer
from hub.hub import Hub
from hub.services import answers
from hub.store import tables as t
from hub.store.queries import messages, past, solved, turns
from hub.store.unit_of_work import Reading, Tx

# From which likeness on a solved conversation is worth a look.
ALIKE = 0.5
_SUGGESTED, _SIMILAR = 3, 3
# Conversations that are remembered in one go; each costs a model a few milliseconds.
_PORTION = 200


@dataclass(frozen=True, slots=True)
class Similar:
    """A solved conversation: what was asked in it, and what its agent answered last."""

    conversation_id: str
    ticket_number: int
    question: str
    answer: str
    likeness: float


@dataclass(frozen=True, slots=True)
class Help:
    """`question` is the message that the answers are for, empty where there is none."""

    question_id: str
    question: str
    suggested: tuple[FoundAnswer, ...]
    similar: tuple[Similar, ...]
    summary: tuple[Sentence, ...]
    may_draft: bool


@dataclass(frozen=True, slots=True)
class Draft:
    text: str
    sources: tuple[Source, ...]


def help_with(hub: Hub, conversation_id: str) -> Help:
    """Raises NotFound."""
    with hub.store.read() as connection:
        conversation = turns.conversation(connection, conversation_id)
        said = _said(connection, conversation_id)
    question = _question(said)
    found: tuple[FoundAnswer, ...] = ()
    similar: tuple[Similar, ...] = ()
    if question is not None and hub.knowledge is not None:
        try:
            language = hub.knowledge.detect_language(question.text, hint=conversation.language)
            result = answers.search(hub.store, hub.knowledge, question.text, language=language, limit=_SUGGESTED)
            found = tuple(each for each in result.answers if each.confidence >= WORTH_SUGGESTING)
            similar = _similar(hub, conversation_id, question.text)
        except HubError:
            pass  # still warming: the rest is shown
    asked = (question.message_id, question.text) if question else ("", "")
    return Help(*asked, found, similar, assist.summary(said), hub.writer is not None)


def draft(hub: Hub, conversation_id: str) -> Draft:
    """A model's draft of the next answer, with its sources.

    Raises:
        NotFound: there is no such conversation, or this installation has no model.
        Refused: there is nothing to lean on, it may not be sent, or the draft names no source.
        Unavailable: the model or the search does not answer.
    """
    if hub.writer is None:
        raise NotFound("this installation asks no language model")
    with hub.store.read() as connection:
        conversation = turns.conversation(connection, conversation_id)
        said = _said(connection, conversation_id)
    question = _question(said)
    if question is None or hub.knowledge is None:
        raise Unavailable("there is no question to answer, or no knowledge base", retry_after=60)
    language = conversation.language or hub.knowledge.detect_language(question.text)
    found = answers.search(hub.store, hub.knowledge, question.text, language=language, limit=_SUGGESTED).answers
    sources = [Source(each.article_id, each.version, each.locale, each.title, each.passage) for each in found]
    request = assist.request(said, sources, hub.settings.assist_sends, language)
    return Draft(*assist.drafted(hub.writer.write(request), sources))


def remember(hub: Hub) -> int:
    """Reads what was asked in conversations that have ended since it was last done. Returns how many there were."""
    if hub.knowledge is None or hub.knowledge.status().get("state") != "ready":
        return 0
    model_id = hub.knowledge.model_id
    with hub.store.read() as connection:
        ended = solved.ended_since(connection, solved.last_remembered(connection, model_id), _PORTION)
        asked = [(*each, solved.first_question(connection, each[0])) for each in ended]
    put = [(conversation_id, at, *question) for conversation_id, at, question in asked if question]
    imprints = hub.knowledge.imprint([text for *_, text in put])

    def write(tx: Tx) -> None:
        for (conversation_id, at, message_id, _), imprint in zip(put, imprints, strict=True):
            values = {"conversation_id": conversation_id, "at": at, "data": imprint}
            tx.upsert(t.imprint, {"message_id": message_id, "model_id": model_id}, values)

    if put:
        hub.store.write(write, later=True)
    return len(ended)


def _similar(hub: Hub, conversation_id: str, question: str) -> tuple[Similar, ...]:
    if hub.knowledge is None:
        return ()
    (mine,) = hub.knowledge.imprint([question])
    with hub.store.read() as connection:
        every = solved.remembered(connection, hub.knowledge.model_id)
        rows = [row for row in every if row.conversation_id != conversation_id]
        alike = hub.knowledge.likeness(mine, [row.data for row in rows])
        best = sorted(zip(alike, rows, strict=True), key=lambda each: -each[0])[: 3 * _SIMILAR]
        texts = past.texts(connection, [row.message_id for _, row in best])
        found = []
        for share, row in best:
            said = solved.answers(connection, row.conversation_id)
            if share >= ALIKE and said and texts.get(row.message_id):
                number = solved.number(connection, row.conversation_id)
                found.append(Similar(row.conversation_id, number, texts[row.message_id], said[-1], share))
    return tuple(found[:_SIMILAR])


def _said(connection: Reading, conversation_id: str) -> list[Said]:
    found, _ = messages.thread(connection, [conversation_id], limit=60)
    return [Said(each.id, each.kind, each.author_kind, each.text) for each in found]


def _question(said: Sequence[Said]) -> Said | None:
    """The customer's last message in which they say something."""
    theirs = [each for each in said if each.kind == "incoming" and each.text.strip()]
    return next((each for each in reversed(theirs) if len(each.text.split()) >= 3), theirs[-1] if theirs else None)
