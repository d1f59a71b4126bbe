"""A conversation's state as a fold over its events, and what may happen to it in which state.

`fold` is total: it never refuses, because the log is the truth. `require` refuses commands before they become events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from hub.domain import events as e
from hub.domain.errors import AlreadyTaken, Conflict
from hub.domain.messages import Author


class Status(StrEnum):
    BOT = "bot"
    WAITING = "waiting"
    ASSIGNED = "assigned"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


PRIORITIES = ("none", "low", "medium", "high", "urgent")


@dataclass(frozen=True, slots=True)
class Conversation:
    """One row of the projected table. Times are microseconds since 1970 UTC, 0 = not set; empty text = none.

    `turn_owner_epoch` rises whenever it changes who owes the next answer: a bot turn that began under another epoch
    is stale. `inbox_id`, `identity_id` and `channel` are those of the customer's last message: replies go there.
    `handed_over_event` is the event by which it came to people; 0 while it is the bot's. `offered_to` is asked until
    `offered_until` whether they take it. What begins with `sla_` is `hub.domain.sla`'s: `sla_due_at` is when the
    promise ends that ends first of those whose clocks run, `sla_next_at` when a warning or a breach is to be announced.
    `vendor_id` is the outside firm whose answer is awaited by `vendor_due_at`; `vendor_overdue`: that was announced.
    `colleague_id` is the agent who was brought in beside the one who has it.
    """

    id: str
    sequence: int = 0
    ticket_number: int = 0
    contact_id: str = ""
    inbox_id: str = ""
    identity_id: str = ""
    channel: str = ""
    status: str = Status.BOT
    team_id: str = ""
    assignee_id: str = ""
    priority: int = 0
    language: str = ""
    verified_level: str = "none"
    verified_by: str = ""
    verified_identity: str = ""
    turn_owner_epoch: int = 0
    bot_misses: int = 0
    unread: int = 0
    last_message_id: str = ""
    opened_at: int = 0
    last_activity_at: int = 0
    waiting_since: int = 0
    snoozed_until: int = 0
    resolved_at: int = 0
    handed_over_event: int = 0
    merged_into: str = ""
    previous_id: str = ""
    offered_to: str = ""
    offered_until: int = 0
    sla_policy: str = ""
    sla_hours: str = ""
    sla_state: str = ""
    sla_clock: str = ""
    sla_due_at: int = 0
    sla_breached: int = 0
    sla_next_at: int = 0
    vendor_id: str = ""
    vendor_due_at: int = 0
    vendor_overdue: int = 0
    colleague_id: str = ""


def _next_owner(state: Conversation) -> str:
    """Who goes on when a closed or sleeping conversation wakes: its agent, else the queue, else the bot."""
    if state.assignee_id:
        return Status.ASSIGNED
    return Status.WAITING if state.handed_over_event else Status.BOT


def _woken(state: Conversation, at: int) -> Conversation:
    status = _next_owner(state)
    return replace(
        state,
        status=status,
        snoozed_until=0,
        resolved_at=0,
        waiting_since=at if status == Status.WAITING else 0,
    )


_ENDS_AN_OFFER = (
    e.OfferAccepted
    | e.OfferDeclined
    | e.OfferTimedOut
    | e.OfferWithdrawn
    | e.HandedOver
    | e.HandedBack
    | e.Assigned
    | e.Transferred
    | e.Snoozed
    | e.Resolved
    | e.Merged
)


def fold(state: Conversation, recorded: e.Recorded) -> Conversation:
    """The conversation after one more event. Pure; events it does not know leave it alone but for the sequence."""
    at = recorded.at
    state = replace(state, sequence=recorded.sequence)
    if state.offered_to and isinstance(recorded.event, _ENDS_AN_OFFER):
        state = replace(state, offered_to="", offered_until=0)
    match recorded.event:
        case e.ConversationOpened() as opened:
            return replace(
                state,
                ticket_number=opened.ticket_number,
                contact_id=opened.contact_id,
                inbox_id=opened.inbox_id,
                identity_id=opened.identity_id,
                channel=opened.channel,
                status=opened.status,
                team_id=opened.team_id,
                language=opened.language,
                priority=opened.priority,
                previous_id=opened.previous_id,
                opened_at=at,
                last_activity_at=at,
                waiting_since=at if opened.status == Status.WAITING else 0,
                handed_over_event=recorded.id if opened.status == Status.WAITING else 0,
            )
        case e.MessageReceived() as received:
            return replace(
                state,
                inbox_id=received.inbox_id,
                identity_id=received.identity_id,
                channel=received.channel,
                unread=state.unread + 1,
                last_message_id=received.message_id,
                last_activity_at=at,
            )
        case e.MessageQueued() as queued:
            by_person = queued.author == Author.AGENT
            return replace(
                state,
                # What the hub says by itself ("you are number 2 in the queue") is no news to whoever looks at the list.
                last_message_id=state.last_message_id if queued.author == Author.SYSTEM else queued.message_id,
                last_activity_at=at,
                unread=0 if queued.author != Author.SYSTEM else state.unread,
                turn_owner_epoch=state.turn_owner_epoch + by_person,
            )
        case e.MessageEchoed(message_id=message_id):
            return replace(
                state,
                last_message_id=message_id,
                last_activity_at=at,
                unread=0,
                turn_owner_epoch=state.turn_owner_epoch + 1,
            )
        case e.VendorAsked() as asked:
            state = replace(state, last_activity_at=at)
            if state.vendor_due_at or not asked.due_at:
                return state  # the clock of the first question that is not answered runs on
            return replace(state, vendor_id=asked.vendor_id, vendor_due_at=asked.due_at, vendor_overdue=0)
        case e.VendorAnswered() as answered:
            if answered.vendor_id == state.vendor_id and not answered.robot:
                state = replace(state, vendor_id="", vendor_due_at=0, vendor_overdue=0)
            return replace(state, unread=state.unread + 1, last_message_id=answered.message_id, last_activity_at=at)
        case e.VendorRecalled(vendor_id=vendor_id) if vendor_id == state.vendor_id:
            return replace(state, vendor_id="", vendor_due_at=0, vendor_overdue=0)
        case e.VendorOverdue():
            return replace(state, vendor_overdue=1)
        case e.SegmentBegan() as segment:
            return replace(state, inbox_id=segment.inbox_id, identity_id=segment.identity_id, channel=segment.channel)
        case e.BotTurnDecided() as turn:
            return replace(state, bot_misses=turn.misses)
        case e.HandedOver() as handed:
            return replace(
                state,
                status=Status.WAITING,
                team_id=handed.team_id,
                assignee_id="",
                waiting_since=at,
                handed_over_event=recorded.id,
                turn_owner_epoch=state.turn_owner_epoch + 1,
            )
        case e.HandedBack():
            return replace(
                state,
                status=Status.BOT,
                assignee_id="",
                waiting_since=0,
                snoozed_until=0,
                bot_misses=0,
                handed_over_event=0,
                colleague_id="",
                turn_owner_epoch=state.turn_owner_epoch + 1,
            )
        case e.Assigned() as assigned:
            return replace(
                state,
                status=Status.ASSIGNED,
                assignee_id=assigned.agent_id,
                waiting_since=0,
                snoozed_until=0,
                resolved_at=0,
                colleague_id="" if assigned.agent_id == state.colleague_id else state.colleague_id,
                turn_owner_epoch=state.turn_owner_epoch + 1,
            )
        case e.Transferred() as transferred:
            return replace(
                state,
                status=Status.WAITING,
                team_id=transferred.team_id,
                assignee_id="",
                snoozed_until=0,
                resolved_at=0,
                waiting_since=at,
                # The bot's own handoff keeps its place: the packet is found by it.
                handed_over_event=state.handed_over_event or recorded.id,
                turn_owner_epoch=state.turn_owner_epoch + 1,
            )
        case e.Snoozed(until=until):
            return replace(state, status=Status.SNOOZED, snoozed_until=until, waiting_since=0)
        case e.Woken() | e.Reopened():
            return _woken(state, at)
        case e.Resolved():
            # Nobody waits for the outside firm's answer any more.
            state = replace(state, vendor_id="", vendor_due_at=0, vendor_overdue=0, colleague_id="")
            return replace(
                state, status=Status.RESOLVED, resolved_at=at, waiting_since=0, snoozed_until=0, unread=0, bot_misses=0
            )
        case e.MergeUndone() if state.merged_into:
            return replace(state, merged_into="")
        case _:
            return _fold_details(state, recorded.event)


def _fold_details(state: Conversation, event: e.Event) -> Conversation:
    match event:
        case e.OfferMade(agent_id=agent_id, until=until):
            return replace(state, offered_to=agent_id, offered_until=until)
        case e.ColleagueAsked(agent_id=agent_id):
            return replace(state, colleague_id=agent_id)
        case e.ColleagueLeft():
            return replace(state, colleague_id="")
        case e.PriorityChanged(priority=priority):
            return replace(state, priority=priority)
        case e.LanguageSet(language=language):
            return replace(state, language=language)
        case e.IdentityVerified() as verified:
            return replace(
                state,
                verified_level=verified.level,
                verified_by=verified.method,
                verified_identity=verified.identity_id,
            )
        case e.MovedToContact(contact_id=contact_id):
            return replace(state, contact_id=contact_id)
        case e.Merged(into_id=into_id):
            return replace(state, merged_into=into_id)
        case e.MessagesMovedOut(message_ids=message_ids, last_message_id=last) if last:
            return replace(
                state, last_message_id=last if state.last_message_id in message_ids else state.last_message_id
            )
        case e.MessagesMovedIn(message_ids=message_ids):
            # Ids grow with time: the greatest is the newest, in whatever order somebody picked them.
            return replace(state, last_message_id=max((state.last_message_id, *message_ids)))
        case _:
            return state


# Which command may be given in which state. What is not listed is refused.
_ALLOWED: Mapping[str, frozenset[str]] = {
    "take": frozenset({Status.BOT, Status.WAITING, Status.SNOOZED, Status.RESOLVED}),
    "assign": frozenset(Status),
    "transfer": frozenset({Status.BOT, Status.WAITING, Status.ASSIGNED, Status.SNOOZED}),
    "resolve": frozenset({Status.BOT, Status.WAITING, Status.ASSIGNED, Status.SNOOZED}),
    "reopen": frozenset({Status.RESOLVED}),
    "snooze": frozenset({Status.WAITING, Status.ASSIGNED}),
    "hand_back": frozenset({Status.WAITING, Status.ASSIGNED, Status.SNOOZED}),
    "hand_over": frozenset({Status.BOT}),
    "bring_in": frozenset({Status.WAITING, Status.ASSIGNED, Status.SNOOZED}),
    "wake": frozenset({Status.SNOOZED}),
    "reply": frozenset(Status),
    "note": frozenset(Status),
    "ask_vendor": frozenset(Status),
    "recall_vendor": frozenset(Status),
    "set_priority": frozenset(Status),
}


def allowed(state: Conversation, command: str) -> bool:
    """Whether a command may be given now. Nothing may be done to a conversation that was merged into another."""
    return not state.merged_into and state.status in _ALLOWED[command]


def require(state: Conversation, command: str) -> None:
    """Raises Conflict unless the command may be given now; AlreadyTaken when another agent has the conversation."""
    if allowed(state, command):
        return
    if command == "take" and state.status == Status.ASSIGNED and not state.merged_into:
        raise AlreadyTaken(f"conversation {state.ticket_number} is with another agent")
    where = f"merged into {state.merged_into}" if state.merged_into else state.status
    raise Conflict(f"cannot {command.replace('_', ' ')} a conversation that is {where}")
