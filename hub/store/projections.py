"""What one event changes in each projected table. Pure: the unit of work applies it, `replay` checks with it.

The conversation's own row is `hub.domain.conversation.fold`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from hub.domain import events as e
from hub.domain.conversation import Conversation, Status
from hub.domain.messages import Delivery, Kind

Values = dict[str, Any]
COUNTER_SHARDS = 16


def message(recorded: e.Recorded) -> Values | None:
    """The projected columns of the message that this event brings into being; None if it brings none."""
    event = recorded.event
    values: Values = {
        "conversation_id": recorded.stream_id,
        "event_id": recorded.id,
        "sequence": recorded.sequence,
        "at": recorded.at,
        "author_kind": recorded.actor.kind.value,
        "author_id": recorded.actor.id,
    }
    match event:
        case e.MessageReceived():
            values |= {
                "kind": Kind.INCOMING.value,
                "rule": event.rule,
                "state": Delivery.DELIVERED.value,
            }
        case e.MessageQueued():
            values |= {"kind": Kind.OUTGOING.value, "rule": "", "state": Delivery.QUEUED.value}
        case e.MessageEchoed():
            values |= {"kind": Kind.OUTGOING.value, "rule": "", "state": Delivery.SENT.value}
        case e.NoteAdded():
            return values | {
                "id": event.message_id,
                "kind": Kind.NOTE.value,
                "rule": "",
                "state": Delivery.DELIVERED.value,
                "inbox_id": "",
                "identity_id": "",
                "channel": "",
            }
        case e.VendorAsked() | e.VendorAnswered():
            asked = isinstance(event, e.VendorAsked)
            return values | {
                "id": event.message_id,
                "kind": Kind.VENDOR.value,
                "rule": "" if isinstance(event, e.VendorAsked) else event.rule,
                "state": (Delivery.QUEUED if asked else Delivery.DELIVERED).value,
                "inbox_id": event.inbox_id,
                # Nobody's who takes part: what finds the customer's messages by their address finds none of these.
                "identity_id": "",
                "channel": event.channel,
            }
        case _:
            return None
    return values | {
        "id": event.message_id,
        "inbox_id": event.inbox_id,
        "identity_id": event.identity_id,
        "channel": event.channel,
    }


@dataclass(frozen=True, slots=True)
class RouteKey:
    inbox_id: str
    identity_id: str
    thread_key: str


def route(recorded: e.Recorded) -> RouteKey | None:
    """The route that points to this event's conversation from now on."""
    if isinstance(recorded.event, e.RouteMoved):
        return RouteKey(recorded.event.inbox_id, recorded.event.identity_id, recorded.event.thread_key)
    return None


def media(recorded: e.Recorded) -> tuple[str, Values] | None:
    """(file, changed columns) of a file that a provider keeps."""
    match recorded.event:
        case e.MediaFetched(media_id=media_id, attachment_id=attachment_id):
            return media_id, {"state": "fetched", "reason": "", "attachment_id": attachment_id}
        case e.MediaRefused(media_id=media_id, reason=reason):
            return media_id, {"state": "refused", "reason": reason, "attachment_id": ""}
        case _:
            return None


def contact(recorded: e.Recorded) -> Values | None:
    """Changed columns of the contact's row."""
    match recorded.event:
        case e.ContactMerged(into_id=into_id):
            return {"merged_into": into_id}
        case e.ContactMergeUndone(identity_ids=returned) if returned:
            return {"merged_into": ""}
        case _:
            return None


def identities(recorded: e.Recorded) -> Mapping[str, Values]:
    """Changed columns of identities' rows, by identity."""
    match recorded.event:
        case e.IdentityLinked() as linked:
            return {
                linked.identity_id: {
                    "contact_id": recorded.stream_id,
                    "evidence": linked.evidence,
                    "stated_by": linked.stated_by,
                    "linked_at": recorded.at,
                }
            }
        case e.IdentityMoved() as moved:
            return {
                moved.identity_id: {
                    "contact_id": recorded.stream_id,
                    "evidence": moved.evidence,
                    "stated_by": moved.stated_by,
                    "linked_at": recorded.at,
                }
            }
        case e.ContactAbsorbed(identity_ids=identity_ids) | e.ContactMergeUndone(identity_ids=identity_ids):
            return {identity_id: {"contact_id": recorded.stream_id} for identity_id in identity_ids}
        case _:
            return {}


def agent(recorded: e.Recorded) -> Values | None:
    """Changed columns of the agent's row."""
    if isinstance(recorded.event, e.PresenceChanged):
        return {
            "presence": recorded.event.presence,
            "presence_reason": recorded.event.reason,
            "presence_since": recorded.at,
            "presence_until": recorded.event.until,
        }
    return None


def badges(conversation: Conversation | None) -> tuple[str, ...]:
    """The counters that a conversation in this state is counted in."""
    if conversation is None or conversation.merged_into or not conversation.sequence:
        return ()
    helping = (f"helping:{conversation.colleague_id}",) if conversation.colleague_id else ()
    match conversation.status:
        case Status.WAITING:
            return ("waiting", f"waiting:{conversation.team_id}", *helping)
        case Status.ASSIGNED:
            return (f"assigned:{conversation.assignee_id}", *helping)
        case Status.BOT | Status.SNOOZED:
            return (conversation.status, *helping)
        case _:
            return helping


def shard(conversation_id: str) -> int:
    """Which shard of a counter a conversation is counted in; the same one for all its life."""
    return crc32(conversation_id.encode()) % COUNTER_SHARDS
