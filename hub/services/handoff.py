"""From the bot to a person, with full context."""

from __future__ import annotations

from hub.domain import events as e
from hub.domain.conversation import Conversation, require
from hub.domain.handoff import (
    MOST_TRIED,
    Packet,
    SuggestedArticle,
    parse_suggestion,
    suggestion,
    worth_suggesting,
    worth_telling,
)
from hub.domain.messages import LETTERS, Author
from hub.domain.rendering import handoff_text, phrase
from hub.domain.routing import MINUTE
from hub.services import letters, opening, replies, routing
from hub.store.queries import packets, records
from hub.store.unit_of_work import Reading, Tx


def hand_over(
    tx: Tx,
    conversation_id: str,
    *,
    reason: str,
    open_question: str,
    actor: e.Actor = e.BOT,
) -> None:
    """Puts a conversation into its team's queue and tells the customer what happens and their place in it.

    What was tried is taken from all turns since the bot has had the conversation. Raises Conflict unless it has it.
    """
    conversation = tx.conversation(conversation_id)
    require(conversation, "hand_over")
    turns = packets.turns(tx.connection, conversation_id, limit=MOST_TRIED)
    tried = worth_telling(each for turn in turns for each in turn.tried)
    suggested = tuple(suggestion(each) for each in worth_suggesting(tried))
    tx.record(
        conversation_id,
        e.HandedOver(reason, conversation.team_id, open_question, tried, suggested),
        actor,
    )
    if not letters.may_acknowledge(tx, conversation.channel, conversation.identity_id):
        return
    tx.flush()
    if conversation.channel in LETTERS:
        told = [phrase("mail_received", conversation.language, number=conversation.ticket_number)]
    else:
        wait = routing.wait(tx.connection, tx.conversation(conversation_id), tx.now)
        place, estimate = (wait.place, wait.estimate or 0) if wait else (1, 0)
        told = [
            handoff_text(reason, place, conversation.language, round(estimate / MINUTE)),
            phrase("your_number", conversation.language, number=conversation.ticket_number),
        ]
    text = " ".join([*told, *opening.told(tx, conversation)])
    replies.send(tx, conversation_id, text, e.Actor(Author.SYSTEM))


def packet(connection: Reading, conversation: Conversation) -> Packet | None:
    """The packet of the latest handoff, put together now; None when the conversation was never handed over."""
    if not conversation.handed_over_event:
        return None
    recorded = packets.event(connection, conversation.handed_over_event)
    if recorded is None or not isinstance(recorded.event, e.HandedOver):
        return None
    handed = recorded.event
    question = packets.message_text(connection, handed.open_question) if handed.open_question else None
    wanted = [parse_suggestion(each) for each in handed.suggested]
    texts = packets.versions(connection, wanted)
    # The same article may have been considered in several turns; it is suggested for the best of them.
    confidence = {suggestion(each): each.score for each in sorted(handed.tried, key=lambda answer: answer.score)}
    return Packet(
        reason=handed.reason,
        handed_over_at=recorded.at,
        waiting_since=conversation.waiting_since,
        language=conversation.language,
        slots=packets.slots(connection, conversation.id),
        verified_level=records.effective(connection, conversation),
        verified_by=conversation.verified_by,
        tried=handed.tried,
        open_question=(handed.open_question, question) if question is not None else None,
        suggested=tuple(
            SuggestedArticle(*key, *texts[key], confidence=confidence.get("@".join(map(str, key)), 0.0))
            for key in wanted
            if key in texts
        ),
        transcript_messages=packets.message_count(connection, conversation.id),
    )
