"""What the store gives, as the API shows it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.domain import events as e
from hub.domain import handoff, sla
from hub.domain.addresses import PHONE, kind_of
from hub.domain.conversation import PRIORITIES, Conversation
from hub.domain.inbox import Inbox
from hub.domain.knowledge import SearchResult
from hub.domain.mail_threading import without_prefixes
from hub.domain.messages import Author, Kind
from hub.domain.reply_window import LastSaid, closes_at, tag_closes_at
from hub.hub import Hub
from hub.ports import Capabilities
from hub.services import attachments, numbers
from hub.services.contacts import region_of
from hub.services.letters import Composed
from hub.store import feed
from hub.store.queries import contacts, conversations, letters, listening, matching, messages, people, thread
from hub.store.queries.consent import Prohibition, Told
from hub.store.queries.outbox import DeadRow
from hub.store.queries.stops import Stop
from hub.store.unit_of_work import Reading
from hub.web import schemas as s
from hub.web import schemas_conversations as sc
from hub.web import schemas_operations as so

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HAS_AUTHOR_ID = frozenset({Author.AGENT.value, Author.CONTACT.value})


def time(at: int) -> datetime:
    """Microseconds since 1970 UTC as the API's time."""
    return _EPOCH + timedelta(microseconds=at)


def microseconds(at: datetime) -> int:
    """The inverse of `time`."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def _time_or_none(at: int) -> datetime | None:
    return time(at) if at else None


def agent(found: people.Agent) -> s.AgentOut:
    return s.AgentOut.model_validate(
        {
            "id": found.id,
            "name": found.name,
            "email": found.email,
            "role": found.role,
            "language": found.language,
            "team_ids": list(found.team_ids),
            "presence": found.presence,
        }
    )


def inbox(found: Inbox) -> s.InboxOut:
    return s.InboxOut.model_validate(
        {"id": found.id, "name": found.name, "channel": found.channel, "routing": found.routing}
    )


def inbox_state(found: Inbox, listener: listening.State | None, held_back: int | None) -> s.InboxStateOut:
    """`listener` is None where nobody listens for the inbox, or where the reader may not know."""
    state = listener and {
        "state": listener.word,
        "seen_at": _time_or_none(listener.seen_at),
        "behind": listener.behind,
        "notice": listener.notice,
        "error": listener.error,
        "error_since": _time_or_none(listener.error_since),
    }
    return s.InboxStateOut.model_validate({**inbox(found).model_dump(), "listener": state, "held_back": held_back})


def address(channel: str, spelling: str, display_name: str, region: str = "") -> str:
    """An address as people know it: a number as they write it in the reader's region, a page's visitor by name."""
    if channel == "webchat":
        return display_name
    return numbers.display(spelling, region) if kind_of(channel) == PHONE else spelling


def contact(found: contacts.Contact) -> sc.ContactOut:
    return sc.ContactOut(
        id=found.id,
        name=found.name,
        language=found.language,
        identities=[
            sc.IdentityOut(
                id=each.id,
                channel=each.channel,
                address=each.address,
                address_display=address(each.channel, each.wire_address or each.address, each.display_name),
                display_name=each.display_name,
                evidence=each.evidence,
                stated_by=each.stated_by or None,
                linked_at=time(each.linked_at),
                linked_by=_author(*each.linked_by),
                do_not_contact=_prohibition(each.prohibition),
            )
            for each in found.identities
        ],
        merged_into=found.merged_into or None,
    )


def candidates(hints: Sequence[matching.Hint], them: Mapping[str, contacts.Contact]) -> list[sc.Candidate]:
    """Candidates in the order of their best reasons; `them` holds the contacts to show."""
    reasons: dict[str, list[sc.Reason]] = {}
    for hint in hints:
        if hint.contact_id in them:
            shown = sc.Reason.model_validate(
                {"reason": hint.reason, "address_display": numbers.display(hint.address, "")}
            )
            reasons.setdefault(hint.contact_id, []).append(shown)
    return [
        sc.Candidate(contact=contact(them[each]), reason=why[0].reason, reasons=why) for each, why in reasons.items()
    ]


def happened(found: contacts.Happened) -> sc.ContactEvent:
    recorded = found.recorded
    return sc.ContactEvent(
        event_id=recorded.id,
        kind=type(recorded.event).__name__,
        contact_id=recorded.stream_id,
        at=time(recorded.at),
        actor=_author(recorded.actor.kind.value, recorded.actor.id, found.agent_name),
        data=e.to_data(recorded.event),
    )


def _prohibition(found: Prohibition | None) -> sc.DoNotContactOut | None:
    return sc.DoNotContactOut.model_validate({"since": time(found.since), "how": found.how}) if found else None


def conversation(row: conversations.Row) -> sc.ConversationOut:
    state, last = row.conversation, row.last
    return sc.ConversationOut.model_validate(
        {
            "id": state.id,
            "ticket_number": state.ticket_number,
            "status": state.status,
            "priority": PRIORITIES[state.priority],
            "contact": {"id": state.contact_id, "name": row.contact_name},
            "channel": state.channel,
            "address_display": address(*row.address),
            "subject": without_prefixes(row.subject),
            "inbox_id": state.inbox_id,
            "language": state.language,
            "team_id": state.team_id or None,
            "assignee_id": state.assignee_id or None,
            "verified_level": row.level,
            "unread": state.unread,
            "last_message": last
            and {"kind": last.kind, "author_kind": last.author_kind, "text": last.text, "at": time(last.at)},
            "opened_at": time(state.opened_at),
            "last_activity_at": time(state.last_activity_at),
            "waiting_since": _time_or_none(state.waiting_since),
            "snoozed_until": _time_or_none(state.snoozed_until),
            "offered_to": state.offered_to or None,
            "offered_until": _time_or_none(state.offered_until),
            "merged_into": state.merged_into or None,
            "sla": _sla(state),
            "colleague_id": state.colleague_id or None,
            "awaited": _awaited(state),
        }
    )


def _awaited(state: Conversation) -> dict[str, Any] | None:
    if not state.vendor_due_at:
        return None
    due_at = time(state.vendor_due_at)
    return {"vendor_id": state.vendor_id, "due_at": due_at, "overdue": bool(state.vendor_overdue)}


def _sla(state: Conversation) -> dict[str, Any] | None:
    found = sla.face(state)
    if found is None:
        return None
    return {
        "clock": found.clock,
        "state": found.state,
        "due_at": _time_or_none(found.due_at),
        "paused_by": list(found.paused_by),
    }


def message(found: messages.Message, links: attachments.Links) -> sc.MessageOut:
    """A message with its buttons, files (as addresses that `links` signs) and citation."""
    extras: dict[str, Any] = json.loads(found.extras) if found.extras else {}
    outgoing = found.kind == Kind.OUTGOING or (found.kind == Kind.VENDOR and found.author_kind != Author.VENDOR)
    return sc.MessageOut.model_validate(
        {
            "id": found.id,
            "conversation_id": found.conversation_id,
            "sequence": found.sequence,
            "kind": found.kind,
            "author": _author(found.author_kind, found.author_id, found.author_name),
            "channel": found.channel,
            "inbox_id": found.inbox_id,
            "text": found.text,
            "buttons": extras.get("buttons", []),
            "attachments": [each | {"url": links.url(each["id"])} for each in extras.get("attachments", [])],
            "missing_media": [
                {
                    "id": each.id,
                    "state": each.state,
                    "media_type": each.media_type,
                    "name": each.name,
                    "reason": each.reason,
                }
                for each in found.missing
            ],
            "citation": extras.get("citation"),
            "delivery": {"state": found.state, "error_code": found.error_code, "error_text": found.error_text}
            if outgoing
            else None,
            "rule": found.rule or None,
            "letter": _letter(extras["letter"], found.sender) if "letter" in extras else None,
            "vendor": found.vendor and dict(zip(("id", "name", "address", "ended"), found.vendor, strict=True)),
            "from_vendor": extras.get("vendor"),
            "segment_began": _segment(found.segment),
            "client_id": found.client_key.rpartition(":")[2] or None,
            "provider_id": found.provider_id or None,
            "erased": found.erased,
            "deleted": extras.get("deleted", False),
            "native_app": extras.get("native_app", False),
            "answers": extras.get("answers"),
            "location": extras.get("location"),
            "cards": extras.get("cards", []),
            "sticker": extras.get("sticker"),
            "referral": extras.get("referral"),
            "unsupported": extras.get("unsupported"),
            "link": extras.get("link"),
            "reactions": _reactions(extras.get("reactions", [])),
            "versions": [
                {"text": each["text"], "at": _time_or_none(each["at"])} for each in extras.get("versions", [])[:-1]
            ],
            "at": time(found.at),
        }
    )


def _reactions(kept: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those that stand, each sign once with the names of whose it is."""
    names: dict[str, list[str]] = {}
    for each in kept:
        if each["emoji"] and not each["removed"]:
            names.setdefault(each["emoji"], []).append(each["name"])
    return [{"emoji": emoji, "names": whose} for emoji, whose in names.items()]


def _letter(kept: Mapping[str, Any], sender: str) -> sc.LetterOut:
    return sc.LetterOut.model_validate({**kept, "sender": sender})


def body(found: letters.Body) -> sc.BodyOut:
    return sc.BodyOut(subject=found.subject, whole=found.whole, html=found.html)


def _segment(found: thread.Segment | None) -> sc.SegmentOut | None:
    if found is None:
        return None
    return sc.SegmentOut(
        channel=found.channel,
        inbox_id=found.inbox_id,
        inbox_name=found.inbox_name,
        identity_id=found.identity_id,
        address_display=address(found.channel, found.address, found.display_name, found.region),
        evidence=found.evidence,
    )


def way(
    found: thread.WayBack,
    inbox: Inbox,
    state: Conversation,
    capabilities: Capabilities | None,
    composed: Composed | None,
    said: LastSaid,
    stop: Stop | None,
) -> sc.WayOut:
    """`capabilities` are the channel's; None where it cannot be made. `composed` is there where an answer is a mail,
    `said` is when the customer last wrote by this way, `stop` why nothing leaves by the inbox."""
    return sc.WayOut(
        inbox_id=found.inbox_id,
        inbox_name=inbox.name,
        identity_id=found.identity_id,
        channel=found.channel,
        address_display=address(found.channel, found.address, found.display_name, region_of(inbox)),
        evidence=found.evidence,
        last_used=_time_or_none(found.last_used),
        never_written=not found.last_used,
        do_not_contact=found.forbidden,
        current=(found.inbox_id, found.identity_id) == (state.inbox_id, state.identity_id),
        limits=_limits(capabilities) if capabilities else None,
        letter=sc.LetterHint(subject=composed.subject, signature=composed.signature) if composed else None,
        window=_window(capabilities, said) if capabilities else None,
        stopped=_stopped(stop) if stop else None,
    )


def _window(rules: Capabilities, said: LastSaid) -> sc.WindowOut | None:
    if rules.reply_window is None:
        return None
    return sc.WindowOut(
        closes_at=_time_or_none(closes_at(said, rules.reply_window)),
        tagged_until=_time_or_none(tag_closes_at(said, rules.tags, Author.AGENT.value)),
        templates=rules.templates,
    )


def _stopped(stop: Stop) -> sc.StoppedOut:
    return sc.StoppedOut(code=stop.code, reason=stop.reason, since=time(stop.since), tries=bool(stop.try_at))


def _limits(found: Capabilities) -> sc.LimitsOut:
    return sc.LimitsOut(
        text=found.text_limit,
        file=found.attachment_limit,
        media_types=list(found.media_types),
        segmented=found.segmented,
    )


def consent(found: Told) -> sc.ConsentOut:
    return sc.ConsentOut.model_validate(
        {
            "event_id": found.event_id,
            "change": "withdrawn" if found.withdrawn else "given",
            "how": found.how,
            "identity_id": found.identity_id,
            "channel": found.channel,
            "address_display": address(found.channel, found.address, found.display_name),
            "agent_name": found.agent_name,
            "at": time(found.at),
        }
    )


def verification(state: Conversation, level: str, whose: contacts.Contact) -> sc.VerificationOut | None:
    """Who was verified in a conversation; `level` is that of whoever wrote last. None where nobody was."""
    if state.verified_level == "none":
        return None
    proved = next((each for each in whose.identities if each.id == state.verified_identity), None)
    return sc.VerificationOut.model_validate(
        {
            "level": state.verified_level,
            "method": state.verified_by,
            "identity_id": state.verified_identity or None,
            "channel": proved.channel if proved else "",
            "address_display": address(proved.channel, proved.wire_address or proved.address, proved.display_name)
            if proved
            else "",
            "holds": level == state.verified_level,
        }
    )


def _author(kind: str, author_id: str, name: str) -> sc.AuthorOut:
    return sc.AuthorOut.model_validate({"kind": kind, "id": author_id or None, "name": name})


def packet(found: handoff.Packet) -> sc.Packet:
    return sc.Packet.model_validate(
        {
            "reason": found.reason,
            "handed_over_at": time(found.handed_over_at),
            "waiting_since": _time_or_none(found.waiting_since),
            "language": found.language,
            "slots": dict(found.slots),
            "verified_level": found.verified_level,
            "verified_by": found.verified_by,
            "tried": [
                {
                    "source": each.source,
                    "label": each.label,
                    "score": each.score,
                    "given": each.given,
                    "article_id": each.article_id or None,
                    "version": each.version or None,
                    "locale": each.locale or None,
                }
                for each in found.tried
            ],
            "open_question": found.open_question
            and {"message_id": found.open_question[0], "text": found.open_question[1]},
            "suggested": [_article_ref(each) for each in found.suggested],
            "transcript_messages": found.transcript_messages,
        }
    )


def _article_ref(found: Any) -> sc.ArticleRef:
    """Of a `SuggestedArticle` or a `FoundAnswer`: both name what an answer came from."""
    return sc.ArticleRef(
        article_id=found.article_id,
        version=found.version,
        locale=found.locale,
        title=found.title,
        passage=found.passage,
        confidence=found.confidence,
    )


def search_result(found: SearchResult) -> sc.Found:
    return sc.Found(
        answers=[_article_ref(each) for each in found.answers], language=found.language, model_id=found.model_id
    )


def dead_row(row: DeadRow) -> so.OutboxRowOut:
    return so.OutboxRowOut(
        id=row.id,
        handler=row.handler,
        order_key=row.order_key,
        attempts=row.attempts,
        last_error=row.last_error,
        event_id=row.event_id,
        created_at=time(row.created_at),
    )


# --- the feed ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Around:
    """What a page of events is shown with, each fetched once."""

    names: dict[str, str]
    rows: dict[str, sc.ConversationOut]
    messages: dict[str, sc.MessageOut]


def entries(connection: Reading, page: feed.Page, hub: Hub) -> list[sc.Entry]:
    """A page of the feed as screens see it: each event with its message and its conversation as they stand now."""
    recorded = [each for _, each in page.entries]
    around = _around(connection, recorded, hub)
    return [_entry(cursor, each, around) for cursor, each in page.entries]


def _around(connection: Reading, recorded: Sequence[e.Recorded], hub: Hub) -> _Around:
    links = attachments.links(hub)
    ids = _unique(each.stream_id for each in recorded if each.event.stream == "conversation")
    message_ids = _unique(_message_id(each.event) for each in recorded)
    names = people.names(
        connection,
        agents=_unique(each.actor.id for each in recorded if each.actor.kind is Author.AGENT),
        contacts=_unique(each.actor.id for each in recorded if each.actor.kind is Author.CONTACT),
        vendors=_unique(each.actor.id for each in recorded if each.actor.kind is Author.VENDOR),
    )
    return _Around(
        dict(names),
        {key: conversation(row) for key, row in conversations.rows(connection, ids).items()},
        {key: message(found, links) for key, found in messages.by_id(connection, message_ids).items()},
    )


def _unique(values: Iterable[str]) -> list[str]:
    return [value for value in dict.fromkeys(values) if value]


def _message_id(event: e.Event) -> str:
    """The message that an event brings or changes; empty where there is none to show."""
    match event:
        case e.MessageReceived() | e.MessageQueued() | e.NoteAdded() | e.DeliveryChanged():
            return event.message_id
        case e.VendorAsked() | e.VendorAnswered():
            return event.message_id
        case e.MediaAnnounced() | e.MediaFetched() | e.MediaRefused():
            return event.message_id
        case e.MessageEchoed() | e.MessageEdited() | e.MessageDeleted() | e.ReactionChanged():
            return event.message_id
        case _:
            return ""


def _entry(cursor: feed.Cursor, recorded: e.Recorded, around: _Around) -> sc.Entry:
    in_conversation = recorded.event.stream == "conversation"
    return sc.Entry(
        cursor=str(cursor),
        event_id=recorded.id,
        kind=type(recorded.event).__name__,
        conversation_id=recorded.stream_id if in_conversation else None,
        sequence=recorded.sequence,
        at=time(recorded.at),
        actor=_author(recorded.actor.kind.value, recorded.actor.id, around.names.get(recorded.actor.id, "")),
        data=e.to_data(recorded.event),
        message=around.messages.get(_message_id(recorded.event)),
        conversation=around.rows.get(recorded.stream_id) if in_conversation else None,
    )
