"""Shapes of conversations: what a screen shows of them, what is done with them, and the feed that tells of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from hub.web.schemas import (
    AuthorKind,
    DeliveryState,
    Identifier,
    InboxOut,
    Language,
    Level,
    MailRule,
    MessageKind,
    Presence,
    Priority,
    Shape,
    Status,
    Storable,
    TeamOut,
    Text,
    Token,
    VerifiedLevel,
    View,
)


class ContactRef(Shape):
    id: str
    name: str


class WidgetCitation(Shape):
    """The article version that an answer came from, as customers see it."""

    article_id: str
    version: int
    locale: Language
    title: str
    passage: str


class Citation(WidgetCitation):
    """And how sure the knowledge base was of it."""

    confidence: float


class AttachmentOut(Shape):
    """`url` can be opened by whoever received it, without a further header, until it expires."""

    id: str
    name: str
    media_type: str
    size: int
    url: str


class MissingMediaOut(Shape):
    """A file that the provider keeps and that is not here: still on its way (`pending`), or not taken (`refused`).

    What is here is an attachment. `reason` is one of `too_large`, `type_refused`, `gone`, `address_refused`, `empty`,
    `gave_up`, or the code that the provider gave. `media_type` and `name` are what the provider says of it.
    """

    id: str
    state: Literal["pending", "refused"]
    media_type: str
    name: str
    reason: str = ""


class ButtonOut(Shape):
    title: str
    payload: str


class AuthorOut(Shape):
    kind: AuthorKind
    id: str | None = None
    name: str = ""


class DeliveryOut(Shape):
    state: DeliveryState
    error_code: str = ""
    error_text: str = ""


class SegmentOut(Shape):
    """A stretch of a conversation in one channel: where it came from and how we know that it is the same person's."""

    channel: str
    inbox_id: str
    inbox_name: str
    identity_id: str
    address_display: str
    evidence: str


class ClaimOut(Shape):
    """A conversation that a mail names while its sender takes no part in it."""

    conversation_id: str
    ticket_number: int
    rule: MailRule


class LetterOut(Shape):
    """What a mail is besides its text, which is the writer's own.

    `rule` is by what it was placed and `evidence` what matched. `robot` is empty for a person's mail, else what kind of
    program wrote it: `auto_reply`, `out_of_office`, `receipt`, `list`, `bounce`, `complaint`, `unreadable`… `notes` say
    what had to be repaired. `has_more`: the whole body says more than the text; `has_html`: it can be shown as it was
    sent; `inline`: ids of the files that are shown inside of it, such as a signature's logo.
    """

    subject: str
    sender: str
    robot: str
    rule: MailRule
    evidence: str
    claims: list[ClaimOut]
    notes: list[str]
    has_html: bool
    has_more: bool
    inline: list[str]


class BodyOut(Shape):
    """A mail's body: `whole` is plain text with all that it quotes, `html` is safe to show, or empty; `/page` shows it.

    In `html`, images of the mail have the index of their file in `data-attachment`, images from elsewhere their address
    in `data-remote-src` (`data-tracking`: of one or two pixels); links whose text names another host than they lead to
    have both in `data-shown-host` and `data-real-host`.
    """

    subject: str
    whole: str
    html: str


class MailPageQuery(Shape):
    """`images`: pictures from elsewhere are loaded, which tells their sender that the mail is read."""

    images: bool = False


class VendorRef(Shape):
    """An outside firm, at the address that a mail went to or came from. `ended`: why its page takes no answer to a
    question any more; of an answer `done`, where the firm said that nothing more will come."""

    id: str
    name: str
    address: str
    ended: Literal["", "done", "recalled"]


class LocationOut(Shape):
    """A place, in degrees (WGS 84)."""

    latitude: float
    longitude: float
    name: str
    address: str


class ContactCardOut(Shape):
    """Somebody's card that the customer sent."""

    name: str
    phones: list[str]
    emails: list[str]


class ReferralOut(Shape):
    """What led the customer to write. `source` is a short word such as `ad`; `reference` is what the firm put into the
    link."""

    source: str
    title: str
    url: str
    reference: str


class ReactionOut(Shape):
    """A sign at a message, and whose it is; a name is empty where nobody knows it."""

    emoji: str
    names: list[str]


class VersionOut(Shape):
    """What a message said before it was edited, and since when; `at` is null for what it said at the beginning."""

    text: str
    at: datetime | None


class MessageOut(Shape):
    """One message of a thread.

    Of the kind `vendor` are mails to and from an outside firm, `vendor` says which; no customer ever sees them.
    `from_vendor` is the id of the firm that an incoming message is from: it wrote about something new. `rule` says why
    an incoming message landed in this conversation. `provider_id` is the provider's own id of it, by which its lists
    can be compared with ours. `segment_began`: the customer went on by another channel or address with this message;
    the first segment begins with the conversation and has no such mark.

    `versions` are what it said before it was edited, oldest first. `deleted`: whoever wrote it took it back.
    `native_app`: a person typed it in the provider's own app. `answers` is the id of the message that it quotes.
    `unsupported` is the provider's name of a kind of message that cannot be shown; `sticker` says what one shows.
    `link`: with it the customer came by a link that leads from channel to channel; only `linked` joined anything.
    """

    id: str
    conversation_id: str
    sequence: int
    kind: MessageKind
    author: AuthorOut
    channel: str
    inbox_id: str
    text: str
    buttons: list[ButtonOut] = Field(default=[])
    attachments: list[AttachmentOut] = Field(default=[])
    missing_media: list[MissingMediaOut] = Field(default=[])
    citation: Citation | None = None
    delivery: DeliveryOut | None = None
    rule: Literal["thread_key", "window", "reopened", "new", "moved", "link", "page"] | MailRule | None = None
    letter: LetterOut | None = None
    vendor: VendorRef | None = None
    from_vendor: str | None = None
    segment_began: SegmentOut | None = None
    client_id: str | None = None
    provider_id: str | None = None
    erased: bool = False
    deleted: bool = False
    native_app: bool = False
    answers: str | None = None
    location: LocationOut | None = None
    cards: list[ContactCardOut] = Field(default=[])
    sticker: str | None = None
    referral: ReferralOut | None = None
    unsupported: str | None = None
    link: Literal["linked", "used", "expired", "elsewhere", "unknown"] | None = None
    reactions: list[ReactionOut] = Field(default=[])
    versions: list[VersionOut] = Field(default=[])
    at: datetime


class LastMessage(Shape):
    kind: MessageKind
    author_kind: AuthorKind
    text: str
    at: datetime


class SlaOut(Shape):
    """The promise that is due first. `due_at` is null while its clock stands still, for the reasons in `paused_by`."""

    clock: Literal["first_response", "next_response", "resolution"]
    state: Literal["running", "warned", "breached", "paused"]
    due_at: datetime | None
    paused_by: list[Literal["customer", "vendor", "snoozed"]]


class AwaitedVendor(Shape):
    """An outside firm that has promised an answer by `due_at`; `overdue`: it is late, which was announced."""

    vendor_id: str
    due_at: datetime
    overdue: bool


class ConversationOut(Shape):
    """A row of the list. `unread` counts the customer's messages that no agent has answered yet; `address_display` is
    where they last wrote from; `subject` is that of the mail it began with, or empty. `colleague_id` was brought in
    beside whoever has it; `awaited` is an outside firm that has promised an answer."""

    id: str
    ticket_number: int
    status: Status
    priority: Priority
    contact: ContactRef
    channel: str
    address_display: str
    subject: str
    inbox_id: str
    language: str
    team_id: str | None
    assignee_id: str | None
    verified_level: VerifiedLevel
    unread: int
    last_message: LastMessage | None
    opened_at: datetime
    last_activity_at: datetime
    waiting_since: datetime | None
    snoozed_until: datetime | None
    offered_to: str | None = None
    offered_until: datetime | None = None
    merged_into: str | None = None
    sla: SlaOut | None = None
    colleague_id: str | None = None
    awaited: AwaitedVendor | None = None


class Conversations(Shape):
    """`next` goes into `after` for the following page; null on the last one."""

    items: list[ConversationOut]
    next: str | None


class TriedAnswer(Shape):
    """An answer that the bot or the knowledge base considered, and whether the customer saw it."""

    source: Literal["bot", "knowledge_base", "cases"]
    label: str
    score: float
    given: bool
    article_id: str | None = None
    version: int | None = None
    locale: str | None = None


class ArticleRef(Shape):
    article_id: str
    version: int
    locale: str
    title: str
    passage: str
    confidence: float


class OpenQuestion(Shape):
    message_id: str
    text: str


class Packet(Shape):
    """The handoff packet: what a person needs to go on without asking again."""

    reason: str
    handed_over_at: datetime
    waiting_since: datetime | None
    language: str
    slots: dict[str, str]
    verified_level: VerifiedLevel
    verified_by: str
    tried: list[TriedAnswer]
    open_question: OpenQuestion | None
    suggested: list[ArticleRef]
    transcript_messages: int


class DoNotContactOut(Shape):
    """Nobody may write to this address. `how`: the customer's own word, the provider's refusal, or an agent."""

    since: datetime
    how: Literal["keyword", "provider", "agent"]


class DoNotContactIn(Shape):
    """Why an agent forbids writing to an address, or allows it again; kept as a note in the conversation."""

    identity_id: Identifier
    forbidden: bool
    reason: Annotated[Storable, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


class IdentityOut(Shape):
    """One address and how we know that it belongs to this contact.

    `address` is what it is found by, `address_display` how people write it. `stated_by` is the address by which this
    one is known: whose owner named it, or which has the same number or signature. `linked_by` is whoever linked it.
    """

    id: str
    channel: str
    address: str
    address_display: str
    display_name: str
    evidence: str
    stated_by: str | None
    linked_at: datetime
    linked_by: AuthorOut
    do_not_contact: DoNotContactOut | None = None


class ContactOut(Shape):
    id: str
    name: str
    language: str
    identities: list[IdentityOut]
    merged_into: str | None = None


class LimitsOut(Shape):
    """What a channel takes in one message. `text` is in characters, `file` in bytes; without `media_types` it takes no
    files. `segmented`: texts are counted and paid in SMS segments."""

    text: int
    file: int
    media_types: list[str]
    segmented: bool


class LetterHint(Shape):
    """What is put around an answer of the agent who asks: its subject, and the signature under it."""

    subject: str
    signature: str


class WindowOut(Shape):
    """Until when the customer may be answered freely (null: they never wrote), and until when this agent still may
    with a mark of the provider's (null: not at all). After that only `templates`, where the channel has them."""

    closes_at: datetime | None
    tagged_until: datetime | None
    templates: bool


class StoppedOut(Shape):
    """The provider refuses the inbox's account: what is sent waits. `tries`: the hub tries again by itself."""

    code: str
    reason: str
    since: datetime
    tries: bool


class TemplateUse(Shape):
    """An approved text of the inbox's with its values, in the order of its `parameters`."""

    id: Identifier
    parameters: list[Text] = Field(max_length=30)


class WayOut(Shape):
    """How the customer can be reached. `last_used` is when they last wrote by it. `current`: answers go there.
    `limits` are null where the channel cannot be used at present. `letter` is there where an answer is a mail.

    `window` is null where the customer may be answered at any time, `stopped` where the inbox can send.
    `never_written`: this address was stated or written down and has not written yet; it can be written to first unless
    `do_not_contact`.
    """

    inbox_id: str
    inbox_name: str
    identity_id: str
    channel: str
    address_display: str
    evidence: str
    last_used: datetime | None
    never_written: bool
    do_not_contact: bool
    current: bool
    limits: LimitsOut | None
    letter: LetterHint | None = None
    window: WindowOut | None = None
    stopped: StoppedOut | None = None


class ConsentOut(Shape):
    """The customer wants no messages at an address (`withdrawn`), or wants them again (`given`); `how` as there."""

    event_id: int
    change: Literal["withdrawn", "given"]
    how: Literal["keyword", "provider", "agent"]
    identity_id: str
    channel: str
    address_display: str
    agent_name: str
    at: datetime


class VerificationOut(Shape):
    """Who proved who they are in this conversation, and how. `holds`: also for whoever wrote last."""

    level: VerifiedLevel
    method: str
    identity_id: str | None
    channel: str
    address_display: str
    holds: bool


class ConversationDetail(Shape):
    """`ways` are for the composer, the one last used first."""

    conversation: ConversationOut
    contact: ContactOut
    packet: Packet | None
    verification: VerificationOut | None
    ways: list[WayOut]
    consent: list[ConsentOut]
    reply_inboxes: list[InboxOut]
    merged_from: list[str]
    earlier: list[ConversationOut]


class Messages(Shape):
    """Oldest first. `before` fetches the page above; null when the thread's beginning is reached."""

    items: list[MessageOut]
    before: str | None


class MessageIn(Shape):
    """`client_id` makes sending again harmless: the same id from the same agent is stored once.

    `inbox_id` and `identity_id` are those of one of the conversation's `ways`; without them the answer goes where the
    customer wrote last. With a `template`, its text is sent and `text` is not.
    """

    client_id: Identifier
    kind: Literal["reply", "note"] = "reply"
    text: Text
    attachments: list[Identifier] = Field(default=[], max_length=10)
    inbox_id: Identifier | None = None
    identity_id: Identifier | None = None
    template: TemplateUse | None = None


class VendorOut(Shape):
    """An outside firm that is asked by mail.

    The first address is where it is written to; `same_domain`: whoever writes from the registered domain of one of them
    is the firm as well. `inbox_id` is the inbox of mail that it is written from. It has promised to answer within
    `answer_within_seconds` of its open hours (0: it promises nothing); `page`: mails link to a page to answer by;
    `tell_customer`: the customer hears, once, that a firm was asked.
    """

    id: str
    name: str
    language: Language
    inbox_id: str
    addresses: list[str]
    same_domain: bool
    active: bool
    answer_within_seconds: int
    page: bool
    tell_customer: bool


class Vendors(Shape):
    items: list[VendorOut]


class VendorIn(Shape):
    name: Annotated[Storable, StringConstraints(min_length=1, max_length=200)]
    language: Language
    inbox_id: Identifier
    addresses: list[Annotated[Storable, StringConstraints(max_length=254)]] = Field(min_length=1, max_length=20)
    same_domain: bool = False
    active: bool = True
    answer_within_seconds: Annotated[int, Field(ge=0, le=31_622_400)] = 0
    page: bool = False
    tell_customer: bool = True


class VendorMailIn(Shape):
    """A mail to an outside firm. What the customer asked and was told goes along by itself; `message_ids` are further
    messages of the conversation, notes and other firms' mails only where they are named here, and `attachment_ids`
    files of it. `address` is one of the firm's, without it the first."""

    client_id: Identifier
    vendor_id: Identifier
    text: Text
    address: Annotated[Storable, StringConstraints(max_length=254)] | None = None
    message_ids: list[Identifier] = Field(default=[], max_length=50)
    attachment_ids: list[Identifier] = Field(default=[], max_length=20)


class VendorMailPreview(Shape):
    """The mail as it would leave, but for the number in the subject, the signature and the address of the page."""

    address: str
    subject: str
    whole: str


class NeedShape(Shape):
    skill: Identifier
    level: Level = 1


class NeedsIn(Shape):
    """What a conversation asks for besides its language."""

    required: list[NeedShape] = Field(default=[], max_length=20)
    preferred: list[NeedShape] = Field(default=[], max_length=20)


class AgentRef(Shape):
    id: str
    name: str


class CandidateOut(Shape):
    """Somebody who could have been given it, and why they were thought more or less fit; `score` is the sum.

    `own_team`: of the team that it came to. `knows_them`: had this customer before. `preferred`: skills that are
    preferred. `spared`: they can do more than is asked for here. `turn`: idle for long, or with much room.
    """

    agent: AgentRef
    score: float
    own_team: float
    knows_them: float
    preferred: float
    spared: float
    turn: float


class DecisionOut(Shape):
    """Who was chosen and from whom. `turned_away`: how many of the team might not have it, by reason: a presence,
    `skill`, `full`, `passed`."""

    at: datetime
    agent: AgentRef
    eligible: int
    candidates: list[CandidateOut]
    turned_away: dict[str, int]
    required: list[NeedShape]


class WaitOut(Shape):
    """`place` 1 is next, 100 stands for all beyond. `estimate_seconds` is null where nothing is known."""

    place: int
    estimate_seconds: int | None


class RoutingOut(Shape):
    """How a conversation finds somebody: what it asks for, the last decision, and its wait while it has nobody."""

    mode: Literal["manual", "offer", "automatic"]
    required: list[NeedShape]
    preferred: list[NeedShape]
    decision: DecisionOut | None
    wait: WaitOut | None


class QueueOut(Shape):
    """A team's queue now. `offered` of the waiting ones are being offered to somebody."""

    team: TeamOut
    waiting: int
    oldest_since: datetime | None
    offered: int


class AtWorkOut(Shape):
    """An agent now. `load` is the share of what they can carry (it may be over 1: what people take themselves is not
    refused); `open` how many conversations they have, by channel."""

    agent: AgentRef
    presence: Presence
    reason: str
    since: datetime | None
    load: float
    open: dict[str, int]
    team_ids: list[str]


class Floor(Shape):
    queues: list[QueueOut]
    agents: list[AtWorkOut]


class AssignIn(Shape):
    agent_id: Identifier


class ColleagueIn(Shape):
    """Who is brought in, and the note that tells them what for."""

    client_id: Identifier
    agent_id: Identifier
    note: Text


class TransferIn(Shape):
    team_id: Identifier
    note: Text = ""


class SnoozeIn(Shape):
    """With its offset: a time without one would mean something else in every place."""

    until: AwareDatetime


class PriorityIn(Shape):
    priority: Priority


class MergeIn(Shape):
    into: Identifier


class SplitIn(Shape):
    message_ids: list[Identifier] = Field(min_length=1, max_length=500)


class UndoOut(Shape):
    """What can be taken back: the event that a merge or split left behind."""

    event_id: int
    conversation: ConversationOut


class ContactUndoOut(Shape):
    """What can be taken back, and the contact that has everything now."""

    event_id: int
    contact: ContactOut


class Reason(Shape):
    """Why two contacts may be one person. `address_display` is what they have in common; empty for a name."""

    reason: Literal["same_number", "same_email", "same_address", "stated", "mentioned", "same_name"]
    address_display: str = ""


class Candidate(Shape):
    """A contact that may be the same person, and why we think so, the best reason first. Never merged by itself."""

    contact: ContactOut
    reason: str
    reasons: list[Reason]


class Candidates(Shape):
    items: list[Candidate]


class AddressIn(Shape):
    """Another address of a contact. A number may be in any spelling; `region` (ISO 3166-1 alpha-2) says where it is
    from unless it does so itself."""

    kind: Literal["phone", "email"]
    value: Annotated[Storable, StringConstraints(min_length=1, max_length=254)]
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None


class SomebodyElseIn(Shape):
    """The address whose messages are not this customer's."""

    identity_id: Identifier


class ContactEvent(Shape):
    """Something that made a contact what it is. `contact_id` is another where it was merged into this one."""

    event_id: int
    kind: str
    contact_id: str
    at: datetime
    actor: AuthorOut
    data: dict[str, object]


class ContactHistory(Shape):
    items: list[ContactEvent]


class ConversationsQuery(Shape):
    view: View = "queue"
    team_id: Identifier | None = None
    after: Token | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 30


class MessagesQuery(Shape):
    before: Token | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


# --- the feed ---------------------------------------------------------------------------------------------------------


class Entry(Shape):
    """One event as screens see it, with the message it is about and the conversation's row as it stands now."""

    cursor: str
    event_id: int
    kind: str
    conversation_id: str | None
    sequence: int
    at: datetime
    actor: AuthorOut
    data: dict[str, object]
    message: MessageOut | None = None
    conversation: ConversationOut | None = None


class FeedQuery(Shape):
    after: Token | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 200


class Feed(Shape):
    """`more` says that another call with `after=cursor` returns further entries at once."""

    entries: list[Entry]
    cursor: str
    more: bool


# --- knowledge base ---------------------------------------------------------------------------------------------------


class SearchQuery(Shape):
    """Without `language` it is detected."""

    question: Annotated[Storable, StringConstraints(min_length=1, max_length=1000)]
    language: Language | None = None


class Found(Shape):
    answers: list[ArticleRef]
    language: str
    model_id: str
