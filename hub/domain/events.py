"""Past-tense facts. The append-only log holds these and nothing else, and every projected table follows from them.

An event holds facts and ids. Text, addresses and slots live in rows that can be erased; the log cannot be.

Each event belongs to one *stream* (a conversation, a contact, an agent or an article) and is numbered within it.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

from hub.domain.messages import Author
from hub.domain.routing import Candidate


@dataclass(frozen=True, slots=True)
class Actor:
    """Who caused an event. `id` is an agent's, contact's or vendor's id; empty for the bot and the hub itself."""

    kind: Author
    id: str = ""


SYSTEM = Actor(Author.SYSTEM)
BOT = Actor(Author.BOT)


@dataclass(frozen=True, slots=True)
class TriedAnswer:
    """An answer considered in a bot turn. `label` is an intent or an article's title, `given` says it was sent."""

    source: str
    label: str
    score: float
    given: bool
    article_id: str = ""
    version: int = 0
    locale: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""

    stream: ClassVar[str]


# --- conversation -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ConversationEvent(Event):
    stream = "conversation"


@dataclass(frozen=True, slots=True)
class ConversationOpened(ConversationEvent):
    """`previous_id` links to the resolved conversation that was too old to reopen."""

    ticket_number: int
    contact_id: str
    inbox_id: str
    identity_id: str
    channel: str
    status: str
    team_id: str
    language: str
    priority: int = 0
    previous_id: str = ""


@dataclass(frozen=True, slots=True)
class RouteMoved(ConversationEvent):
    """Messages with this key go to this conversation from now on."""

    inbox_id: str
    identity_id: str
    thread_key: str


@dataclass(frozen=True, slots=True)
class SegmentBegan(ConversationEvent):
    """The customer went on by another inbox or address than before, or what they had written by it was taken out of the
    conversation: answers go there now. The first segment begins with the conversation."""

    inbox_id: str
    identity_id: str
    channel: str


@dataclass(frozen=True, slots=True)
class MessageReceived(ConversationEvent):
    """`rule` says why the message landed in this conversation; see `hub.domain.matching`.

    `consent` is set where the message is nothing but a word about being written to (`stop`, `start`, `help`); `robot`
    where a program wrote it, and says what kind.
    """

    message_id: str
    inbox_id: str
    identity_id: str
    channel: str
    rule: str
    consent: str = ""
    robot: str = ""


@dataclass(frozen=True, slots=True)
class MediaAnnounced(ConversationEvent):
    """A message names a file that the provider keeps; `media_id` is the row that says where."""

    message_id: str
    media_id: str


@dataclass(frozen=True, slots=True)
class MediaFetched(ConversationEvent):
    """The file is ours now."""

    message_id: str
    media_id: str
    attachment_id: str


@dataclass(frozen=True, slots=True)
class MediaRefused(ConversationEvent):
    """The file will not come: too large, of a type that is not taken, gone, or at an address that is not public."""

    message_id: str
    media_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class MessageEchoed(ConversationEvent):
    """A person of ours answered the customer in the provider's own app."""

    message_id: str
    inbox_id: str
    identity_id: str
    channel: str


@dataclass(frozen=True, slots=True)
class MessageEdited(ConversationEvent):
    """Whoever wrote the message changed it; what it said before stays readable to agents."""

    message_id: str


@dataclass(frozen=True, slots=True)
class MessageDeleted(ConversationEvent):
    """Whoever wrote the message took it back; its text and files are gone."""

    message_id: str


@dataclass(frozen=True, slots=True)
class ReactionChanged(ConversationEvent):
    """Somebody put a sign to the message, or took it away."""

    message_id: str
    removed: bool = False


@dataclass(frozen=True, slots=True)
class ConsentGiven(ConversationEvent):
    """The customer wants to be written to again at this address. `how`: `keyword`, `provider`, `agent`."""

    identity_id: str
    how: str


@dataclass(frozen=True, slots=True)
class ConsentWithdrawn(ConversationEvent):
    """Nobody may write to this address. `how`: `keyword`, `provider` (it refused a send for that), `agent`."""

    identity_id: str
    how: str


@dataclass(frozen=True, slots=True)
class MessageQueued(ConversationEvent):
    """Something to send to the customer. `author` is bot, agent or system."""

    message_id: str
    inbox_id: str
    identity_id: str
    channel: str
    author: str


@dataclass(frozen=True, slots=True)
class NoteAdded(ConversationEvent):
    message_id: str


@dataclass(frozen=True, slots=True)
class ColleagueAsked(ConversationEvent):
    """An agent brought a colleague in, who reads and answers along; the note `message_id` says what for."""

    agent_id: str
    message_id: str


@dataclass(frozen=True, slots=True)
class ColleagueLeft(ConversationEvent):
    """The colleague is not in it any more."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class VendorAsked(ConversationEvent):
    """An agent wrote to an outside firm about the conversation. `included` are messages whose text went along; `due_at`
    is when the firm has promised to have answered, 0 where it promises nothing."""

    message_id: str
    vendor_id: str
    inbox_id: str
    channel: str
    included: tuple[str, ...] = ()
    due_at: int = 0


@dataclass(frozen=True, slots=True)
class VendorAnswered(ConversationEvent):
    """The outside firm wrote back; only agents see it. `rule` and `robot` as in `MessageReceived`; `rule` is `page` for
    what it wrote on its page. `done`: it said there that nothing more will come."""

    message_id: str
    vendor_id: str
    inbox_id: str
    channel: str
    rule: str
    robot: str = ""
    done: bool = False


@dataclass(frozen=True, slots=True)
class VendorRecalled(ConversationEvent):
    """An agent took back what the outside firm was asked: nobody waits for its answer."""

    vendor_id: str


@dataclass(frozen=True, slots=True)
class VendorOverdue(ConversationEvent):
    """The outside firm had not answered at `due_at`, whenever that was noticed."""

    vendor_id: str
    due_at: int


@dataclass(frozen=True, slots=True)
class DeliveryChanged(ConversationEvent):
    """A raw report; the projection keeps the furthest state."""

    message_id: str
    state: str
    error_code: str = ""


@dataclass(frozen=True, slots=True)
class BotTurnDecided(ConversationEvent):
    """What was decided on one customer message, with everything the decision was made from.

    `action` is one of `hub.domain.bot_policy.Action`; `misses` is the count of consecutive unanswered messages after
    this turn.
    """

    message_id: str
    action: str
    reason: str
    intent: str
    intent_confidence: float
    knowledge_confidence: float
    misses: int
    tried: tuple[TriedAnswer, ...]
    bot_model: str
    knowledge_model: str
    calibration: str


@dataclass(frozen=True, slots=True)
class BotTurnDropped(ConversationEvent):
    """The conversation changed hands while the bot was thinking; its answer was not sent."""

    message_id: str


@dataclass(frozen=True, slots=True)
class HandedOver(ConversationEvent):
    """`suggested` lists `article_id@version@locale` of articles that may help the agent."""

    reason: str
    team_id: str
    open_question: str
    tried: tuple[TriedAnswer, ...] = ()
    suggested: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HandedBack(ConversationEvent):
    """An agent gave the conversation back to the bot."""


@dataclass(frozen=True, slots=True)
class Assigned(ConversationEvent):
    """`how` is `take` (by the agent), `assign` (by somebody else), `offer` (the agent accepted one) or `routed`."""

    agent_id: str
    how: str


@dataclass(frozen=True, slots=True)
class AssignmentDecided(ConversationEvent):
    """Who should get the conversation, with everything the decision was made from (`hub.domain.routing.decide`).

    `candidates`: the best first, not all of the `eligible`. `turned_away`: `reason|how many` of those who may not have
    it. `required`: `skill|level` as they were by then.
    """

    agent_id: str
    eligible: int
    candidates: tuple[Candidate, ...]
    turned_away: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferMade(ConversationEvent):
    """The agent is asked whether they take it; nobody else is until they answer, or `until` (microseconds)."""

    agent_id: str
    until: int


@dataclass(frozen=True, slots=True)
class OfferAccepted(ConversationEvent):
    agent_id: str


@dataclass(frozen=True, slots=True)
class OfferDeclined(ConversationEvent):
    agent_id: str


@dataclass(frozen=True, slots=True)
class OfferTimedOut(ConversationEvent):
    agent_id: str


@dataclass(frozen=True, slots=True)
class OfferWithdrawn(ConversationEvent):
    """The agent is not asked any more. `reason`: `away` (they are), `taken` (by somebody else), `moved` (to another
    team, to the bot, closed)."""

    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Transferred(ConversationEvent):
    """Back into the queue, of another team, or of the same where an outside firm answered and nobody had it."""

    team_id: str


@dataclass(frozen=True, slots=True)
class Snoozed(ConversationEvent):
    """`until` in microseconds since 1970 UTC."""

    until: int


@dataclass(frozen=True, slots=True)
class Woken(ConversationEvent):
    """`cause` is `time`, `message` or `vendor`."""

    cause: str


@dataclass(frozen=True, slots=True)
class Resolved(ConversationEvent):
    """Closed; a later message follows the inbox's window."""


@dataclass(frozen=True, slots=True)
class Reopened(ConversationEvent):
    """`cause` is `message`, `agent` or `vendor`."""

    cause: str


@dataclass(frozen=True, slots=True)
class PriorityChanged(ConversationEvent):
    priority: int


@dataclass(frozen=True, slots=True)
class SlaPolicyApplied(ConversationEvent):
    """From now on these versions of a policy and of open hours count (see `hub.domain.sla`); empty: none does."""

    policy_id: str
    hours_id: str


@dataclass(frozen=True, slots=True)
class SlaWarned(ConversationEvent):
    """A promise will soon be broken. `clock` as in `hub.domain.sla`, `due_at` in microseconds since 1970 UTC."""

    clock: str
    due_at: int


@dataclass(frozen=True, slots=True)
class SlaBreached(ConversationEvent):
    """A promise was broken at `due_at`, whenever that was noticed."""

    clock: str
    due_at: int


@dataclass(frozen=True, slots=True)
class LanguageSet(ConversationEvent):
    language: str


@dataclass(frozen=True, slots=True)
class IdentityVerified(ConversationEvent):
    """`level` is `none`, `claimed` or `verified`; `method` says how (`signed_identity`, `bot_form`, `questions`,
    `mail_code`, `sms_code`).

    `identity_id` is the address that was verified: only it, and addresses that its owner vouched for, have the level.
    `questions` are the names of the fields that an agent asked for.
    """

    level: str
    method: str
    identity_id: str = ""
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeTyped(ConversationEvent):
    """The customer wrote what may be the code that was sent to them, from this address."""

    message_id: str
    identity_id: str


@dataclass(frozen=True, slots=True)
class LinkFollowed(ConversationEvent):
    """With this message the customer came by a link into another channel. `outcome` is one of
    `hub.domain.deep_links.Outcome`; `link_id` is the row that says who gave it when, empty for one that is none of
    ours."""

    message_id: str
    link_id: str
    outcome: str


@dataclass(frozen=True, slots=True)
class MovedToContact(ConversationEvent):
    """The conversation follows its contact through a merge or its undo."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class Merged(ConversationEvent):
    """This conversation's messages are read in `into_id` from now on; routes were moved there."""

    into_id: str


@dataclass(frozen=True, slots=True)
class Absorbed(ConversationEvent):
    """The other side of `Merged`. `routes` lists `inbox|identity|thread_key` that were moved, for the undo."""

    from_id: str
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MergeUndone(ConversationEvent):
    """Written to both sides; `other_id` is the conversation that stands alone again (or that let it go)."""

    other_id: str
    undone_event: int


@dataclass(frozen=True, slots=True)
class MessagesMovedOut(ConversationEvent):
    """`last_message_id` is the newest that stays; empty where that is not known."""

    to_id: str
    message_ids: tuple[str, ...]
    last_message_id: str = ""


@dataclass(frozen=True, slots=True)
class MessagesMovedIn(ConversationEvent):
    from_id: str
    message_ids: tuple[str, ...]


# --- contact ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContactEvent(Event):
    stream = "contact"


@dataclass(frozen=True, slots=True)
class ContactCreated(ContactEvent):
    """A person wrote for the first time."""


@dataclass(frozen=True, slots=True)
class IdentityLinked(ContactEvent):
    """`evidence` says how we know: `first_message` (nothing but that it wrote), `signed_identity`, `verified`,
    `same_number` (in another channel), `signed_link` (it came by a link that was given to this contact), `stated` (the
    customer typed it), `agent` (an agent did).

    `stated_by` is the identity by which this one is known: whose owner named it, or which has the same number or
    signature; empty where there is none.
    """

    identity_id: str
    channel: str
    evidence: str
    stated_by: str = ""


@dataclass(frozen=True, slots=True)
class IdentityMoved(ContactEvent):
    """An identity of another contact is this one's from now on, on these grounds."""

    identity_id: str
    from_id: str
    evidence: str
    stated_by: str = ""


@dataclass(frozen=True, slots=True)
class IdentityUnlinked(ContactEvent):
    """These identities are not this contact's: they are `to_id`'s now, with the conversations that were theirs alone.

    `grounds` is what they were held by, for the undo: `evidence|stated_by` of each. `split_event` is the split that
    parted the conversation in which both had written; 0 where there was none. `reason`: `agent`; `too_late`
    for a number that was stated long before its owner wrote; `proved` for one that was stated and is proved another's.
    """

    to_id: str
    identity_ids: tuple[str, ...]
    grounds: tuple[str, ...]
    conversation_ids: tuple[str, ...] = ()
    split_event: int = 0
    reason: str = "agent"


@dataclass(frozen=True, slots=True)
class ContactMerged(ContactEvent):
    """This contact gave its identities and conversations to `into_id`."""

    into_id: str
    identity_ids: tuple[str, ...]
    conversation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContactAbsorbed(ContactEvent):
    from_id: str
    identity_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContactMergeUndone(ContactEvent):
    """Written to both sides. `identity_ids` belong to the contact of this stream again (empty on the other side)."""

    other_id: str
    identity_ids: tuple[str, ...]
    undone_event: int


# --- agent and article ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PresenceChanged(Event):
    """A wrap-up ends by itself at `until` (microseconds); 0: when the agent says so."""

    stream = "agent"

    presence: str
    reason: str
    until: int = 0


@dataclass(frozen=True, slots=True)
class TaskAsked(Event):
    """An agent wants a long piece of work done; the row says which."""

    stream = "agent"

    task_id: str


@dataclass(frozen=True, slots=True)
class ArticlePublished(Event):
    stream = "article"

    locale: str
    version: int


@dataclass(frozen=True, slots=True)
class ArticleWithdrawn(Event):
    """`state` says why the public does not see it any more: `withdrawn`, `expired`, `archived`."""

    stream = "article"

    locale: str
    state: str = "withdrawn"


@dataclass(frozen=True, slots=True)
class ArticleStateChanged(Event):
    """A step that changes nothing for the public: `state` as in `hub.domain.articles`."""

    stream = "article"

    locale: str
    state: str


@dataclass(frozen=True, slots=True)
class ArticleAudienceChanged(Event):
    """Who may read the article, in all its locales: `public`, or `internal`, the firm alone."""

    stream = "article"

    audience: str


@dataclass(frozen=True, slots=True)
class ArticleRated(Event):
    """A reader in the help centre says whether this version helped."""

    stream = "article"

    locale: str
    version: int
    helpful: bool


@dataclass(frozen=True, slots=True)
class ArticleTaught(Event):
    """An editor accepted customers' words by which the article is to be found."""

    stream = "article"

    locale: str


@dataclass(frozen=True, slots=True)
class ArticleIndexed(Event):
    """The passages of all locales of the article rest in the store; every process may take them into its index."""

    stream = "article"

    model_id: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as the log has it. `id` orders the log of one database, `at` is in microseconds since 1970 UTC."""

    id: int
    stream_id: str
    sequence: int
    at: int
    actor: Actor
    event: Event


# --- to and from JSON values ------------------------------------------------------------------------------------------

Convert = Callable[[Any], Any]


def _converter(hint: Any) -> Convert | None:
    """How a JSON value becomes a field's value; None where it is one already."""
    if get_origin(hint) is tuple:
        item = get_args(hint)[0]
        if is_dataclass(item):
            return lambda values: tuple(item(**value) for value in values)  # type: ignore[operator]  # item is a class
        return tuple
    if isinstance(hint, types.UnionType):
        raise TypeError("an event's field has one type, so that it can be read back without guessing")
    return None


def _all_kinds(base: type[Event]) -> dict[str, type[Event]]:
    found: dict[str, type[Event]] = {}
    for kind in base.__subclasses__():
        children = _all_kinds(kind)
        found.update(children or {kind.__name__: kind})
    return found


KINDS: Mapping[str, type[Event]] = _all_kinds(Event)
_CONVERTERS: Mapping[str, Mapping[str, Convert]] = {
    name: {
        field.name: converter
        for field in fields(kind)
        if (converter := _converter(get_type_hints(kind)[field.name])) is not None
    }
    for name, kind in KINDS.items()
}
_FIELD_NAMES: Mapping[str, tuple[str, ...]] = {
    name: tuple(field.name for field in fields(kind)) for name, kind in KINDS.items()
}
_NESTED: frozenset[str] = frozenset(
    name
    for name, kind in KINDS.items()
    if any(is_dataclass(a) for hint in get_type_hints(kind).values() for a in get_args(hint))
)


def to_data(event: Event) -> dict[str, Any]:
    """The event's fields as JSON values."""
    name = type(event).__name__
    if name in _NESTED:
        return asdict(event)
    return {field: getattr(event, field) for field in _FIELD_NAMES[name]}


def from_data(kind: str, data: Mapping[str, Any]) -> Event:
    """The inverse of `to_data`. Raises KeyError on an unknown kind, TypeError on fields that do not fit."""
    converters = _CONVERTERS[kind]
    if not converters:
        return KINDS[kind](**data)
    return KINDS[kind](**{key: converters[key](value) if key in converters else value for key, value in data.items()})
