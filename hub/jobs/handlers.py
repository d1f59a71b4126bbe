"""What follows from events: one table. An event's handlers run after its commit, each with attempts of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.domain import events as e
from hub.domain.conversation import Conversation, Status, allowed
from hub.domain.messages import Delivery
from hub.hub import Hub
from hub.services import bot_turn, changes, delivery, handoff, indexing, long_tasks, media, routing, verification
from hub.services.work import Handler, Work, nothing
from hub.store.subscriptions import Subscription, Subscriptions
from hub.store.unit_of_work import Tx, UseCase

SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Job:
    """A handler with its limits.

    `lease`: how long one attempt may take before it counts as lost, microseconds. `gave_up` is committed together with
    the death of a row, so that nobody waits for ever.
    """

    run: Handler
    attempts: int = 8
    lease: int = 60 * SECOND
    gave_up: Callable[[Hub, Work], UseCase[None]] = lambda _hub, _work: nothing


def _with_bot(recorded: e.Recorded, conversation: Conversation | None) -> bool:
    not_for_it = isinstance(recorded.event, e.MessageReceived) and (recorded.event.consent or recorded.event.robot)
    return conversation is not None and conversation.status == Status.BOT and not not_for_it


def _each_file(recorded: e.Recorded, _: Conversation | None) -> str:
    """No file waits for another one, of the same message or not."""
    if not isinstance(recorded.event, e.MediaAnnounced):
        raise TypeError(f"{type(recorded.event).__name__} announces no file")
    return recorded.event.media_id


SUBSCRIPTIONS: Subscriptions = {
    e.MessageReceived.__name__: (Subscription("bot_turn", when=_with_bot),),
    e.MessageQueued.__name__: (Subscription("deliver"),),
    e.VendorAsked.__name__: (Subscription("deliver"),),
    e.CodeTyped.__name__: (Subscription("check_code"),),
    e.MediaAnnounced.__name__: (Subscription("fetch_media", order_key=_each_file, slow=True),),
    e.MessageDeleted.__name__: (Subscription("erase_files", slow=True),),
    e.ArticlePublished.__name__: (Subscription("index_article", slow=True),),
    e.ArticleWithdrawn.__name__: (Subscription("index_article", slow=True),),
    e.ArticleAudienceChanged.__name__: (Subscription("index_article", slow=True),),
    e.ArticleTaught.__name__: (Subscription("index_article", slow=True),),
    e.TaskAsked.__name__: (Subscription("long_task", slow=True),),
}


_COMES: tuple[type[e.Event], ...] = (e.ConversationOpened, e.HandedOver, e.Transferred, e.Reopened, e.Woken)
_COMES += (e.OfferDeclined, e.OfferTimedOut, e.OfferWithdrawn)
_FREES: tuple[type[e.Event], ...] = (e.Resolved, e.Snoozed, e.HandedBack, e.Transferred, e.Assigned, e.Merged)


def with_routing(routed: Callable[[], bool]) -> Subscriptions:
    """`SUBSCRIPTIONS`, and what routing hears of: something waits, or somebody may have room.

    `routed`: whether any inbox is routed; where none is, no row is written for it.
    """

    def waits(_: e.Recorded, conversation: Conversation | None) -> bool:
        return routed() and conversation is not None and conversation.status == Status.WAITING

    def frees(_: e.Recorded, __: Conversation | None) -> bool:
        return routed()

    def available(recorded: e.Recorded, _: Conversation | None) -> bool:
        return routed() and isinstance(recorded.event, e.PresenceChanged) and recorded.event.presence == "available"

    more: dict[str, tuple[Subscription, ...]] = {kind.__name__: (Subscription("route", when=waits),) for kind in _COMES}
    more |= {kind.__name__: (Subscription("route", when=frees),) for kind in _FREES}
    more[e.PresenceChanged.__name__] = (Subscription("route", when=available),)
    return {name: (*SUBSCRIPTIONS.get(name, ()), *more.get(name, ())) for name in SUBSCRIPTIONS.keys() | more.keys()}


def jobs(turn: bot_turn.BotTurn) -> Mapping[str, Job]:
    """The handlers by name; every name in `SUBSCRIPTIONS` is there."""
    return {
        "bot_turn": Job(turn, attempts=3, lease=20 * SECOND, gave_up=_to_a_person),
        "deliver": Job(delivery.deliver, attempts=10, gave_up=_not_sent),
        "erase_files": Job(changes.erase_files, attempts=20),
        "fetch_media": Job(media.fetch, attempts=6, gave_up=_not_fetched),
        "index_article": Job(indexing.index_article, attempts=20),
        # A lease that is lost would have the work done twice: it takes minutes where history is long.
        "long_task": Job(long_tasks.run, attempts=2, lease=1800 * SECOND, gave_up=long_tasks.gave_up),
        "route": Job(routing.route),
        "check_code": Job(verification.typed),
    }


def _to_a_person(_: Hub, work: Work) -> UseCase[None]:
    def use_case(tx: Tx) -> None:
        conversation = tx.conversation(work.recorded.stream_id)
        if allowed(conversation, "hand_over") and isinstance(work.recorded.event, e.MessageReceived):
            handoff.hand_over(tx, conversation.id, reason="bot_error", open_question=work.recorded.event.message_id)

    return use_case


def _not_fetched(_: Hub, work: Work) -> UseCase[None]:
    event = work.recorded.event
    if not isinstance(event, e.MediaAnnounced):
        return nothing
    return media.refused(event.message_id, event.media_id, media.GAVE_UP)


def _not_sent(_: Hub, work: Work) -> UseCase[None]:
    def use_case(tx: Tx) -> None:
        if isinstance(work.recorded.event, e.MessageQueued | e.VendorAsked):
            message_id = work.recorded.event.message_id
            state = Delivery.UNKNOWN if work.interrupted else Delivery.FAILED
            tx.record(work.recorded.stream_id, e.DeliveryChanged(message_id, state.value, "gave_up"))

    return use_case
