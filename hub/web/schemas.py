"""The HTTP edge's shapes. Everything that crosses the API is one of these; inside the hub travel domain values.

Times are RFC 3339 strings in UTC, identifiers are opaque strings, cursors are opaque strings that only grow.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints


def _storable(text: str) -> str:
    """PostgreSQL takes no NUL, UTF-8 no half of a surrogate pair; JSON can write both."""
    if "\0" in text or any("\ud800" <= each <= "\udfff" for each in text):
        raise ValueError("must not contain NUL or half a surrogate pair")
    return text


Status = Literal["bot", "waiting", "assigned", "snoozed", "resolved"]
Priority = Literal["none", "low", "medium", "high", "urgent"]
Presence = Literal["available", "busy", "wrap_up", "break", "offline"]
Role = Literal["agent", "team_lead", "supervisor", "editor", "administrator"]
MessageKind = Literal["incoming", "outgoing", "note", "vendor"]
AuthorKind = Literal["contact", "bot", "agent", "system", "vendor"]
DeliveryState = Literal["queued", "sending", "sent", "delivered", "read", "failed", "unknown"]
VerifiedLevel = Literal["none", "claimed", "verified"]
View = Literal["queue", "mine", "helping", "all", "bot", "snoozed", "resolved"]
MailRule = Literal["in_reply_to", "references", "thread_index", "token", "ticket_number", "new"]
SourceState = Literal["stored", "duplicate", "refused", "read"]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,200}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Storable = Annotated[str, AfterValidator(_storable)]
Text = Annotated[Storable, StringConstraints(max_length=20_000)]


class Shape(BaseModel):
    """Base: unknown fields are refused, so that a typing mistake is an error and not silence."""

    # What we give has all its fields, also those that a program of ours need not fill in.
    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class Problem(Shape):
    """Every error answer. `field` and `rule` are there when input broke a rule."""

    error_id: str
    message: str
    field: str | None = None
    rule: str | None = None


# --- people -----------------------------------------------------------------------------------------------------------


class AgentOut(Shape):
    id: str
    name: str
    email: str
    role: Role
    language: Language
    team_ids: list[str]
    presence: Presence


class SignIn(Shape):
    email: Annotated[Storable, StringConstraints(min_length=1, max_length=254)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SessionOut(Shape):
    """`csrf_token` goes back in the header `X-CSRF-Token` of every request that changes something."""

    agent: AgentOut
    csrf_token: str


class PresenceIn(Shape):
    presence: Presence
    reason: Annotated[Storable, StringConstraints(max_length=80)] = ""


class PresenceOut(Shape):
    """`since`: when this presence began; null where there was never another. `until`: when it ends by itself. `load` is
    the share of what they can carry that they do."""

    presence: Presence
    reason: str
    since: datetime | None
    until: datetime | None
    load: float


class ReasonOut(Shape):
    """A reason that agents may give for a presence, named in both languages."""

    code: str
    presence: Presence
    name_en: str
    name_es: str
    position: int


class Reasons(Shape):
    items: list[ReasonOut]


class ReasonIn(Shape):
    presence: Presence
    name_en: Annotated[Storable, StringConstraints(min_length=1, max_length=80)]
    name_es: Annotated[Storable, StringConstraints(min_length=1, max_length=80)]
    position: int = Field(default=0, ge=0, le=1_000)


class SkillOut(Shape):
    """`kind` `language`: the name is a code of ISO 639-1, and conversations in it ask for the skill."""

    name: str
    kind: Literal["topic", "language"]


class Skills(Shape):
    items: list[SkillOut]


class SkillIn(Shape):
    kind: Literal["topic", "language"] = "topic"


Level = Annotated[int, Field(ge=1, le=5)]
AtOnce = Annotated[int, Field(ge=0, le=50)]


class MemberOut(Shape):
    """What routing knows of an agent: levels by skill, how many of each channel's conversations at once (null: the
    usual), their teams."""

    skills: dict[str, int]
    capacity: dict[str, int] | None
    team_ids: list[str]


class MemberIn(Shape):
    skills: dict[Identifier, Level] = Field(default={}, max_length=100)
    capacity: dict[Identifier, AtOnce] | None = Field(default=None, max_length=50)
    team_ids: list[Identifier] = Field(default=[], max_length=100)


class WideningStep(Shape):
    """After this many seconds of waiting, required levels are lower by `lower`, and the skills in `optional` are only
    preferred."""

    after_seconds: Annotated[int, Field(ge=1, le=604_800)]
    lower: Annotated[int, Field(ge=0, le=5)] = 0
    optional: list[Identifier] = Field(default=[], max_length=50)


class OverflowStep(Shape):
    """A team that helps out with what has waited for so many seconds."""

    team_id: Identifier
    after_seconds: Annotated[int, Field(ge=0, le=604_800)] = 300


class TeamRulesIn(Shape):
    """How a team's queue is served. Whoever has resolved one of its conversations is left alone for `wrap_up_seconds`;
    0: not at all."""

    choice: Literal["longest_idle", "least_loaded"]
    overflow: list[OverflowStep] = Field(default=[], max_length=10)
    widening: list[WideningStep] = Field(default=[], max_length=20)
    wrap_up_seconds: Annotated[int, Field(ge=0, le=3_600)] = 0


class ModeIn(Shape):
    """`manual`: agents take what waits. `offer`: the fittest is asked. `automatic`: the fittest is given it."""

    mode: Literal["manual", "offer", "automatic"]


class TeamOut(Shape):
    id: str
    name: str
    tier: Literal["1", "2", "vendor"]


class InboxOut(Shape):
    id: str
    name: str
    channel: str
    routing: Literal["manual", "offer", "automatic"]


class ListenerOut(Shape):
    """How an inbox that fetches for itself is. `seen_at`: when its source last answered; `behind`: how many messages
    are known to wait there. `error` has lasted since `error_since`; `notice` is the last thing that an administrator
    should know."""

    state: Literal["ok", "starting", "down"]
    seen_at: datetime | None
    behind: int
    notice: str
    error: str
    error_since: datetime | None


class InboxStateOut(InboxOut):
    """An inbox with what those may see who look after it: `listener` (who may read the hub's health) is null where
    messages are brought, `held_back` (who may read sources) counts what was refused and waits for a look."""

    listener: ListenerOut | None = None
    held_back: int | None = None


class Agents(Shape):
    items: list[AgentOut]


class Teams(Shape):
    items: list[TeamOut]


class Inboxes(Shape):
    items: list[InboxStateOut]


class Counters(Shape):
    """Maintained counts for the badges. `queue` is everything waiting, `queue_by_team` splits it."""

    queue: int
    queue_by_team: dict[str, int]
    mine: int
    helping: int
    bot: int
    snoozed: int


# --- conversations ----------------------------------------------------------------------------------------------------


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
    buttons: list[ButtonOut] = []
    attachments: list[AttachmentOut] = []
    missing_media: list[MissingMediaOut] = []
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
    cards: list[ContactCardOut] = []
    sticker: str | None = None
    referral: ReferralOut | None = None
    unsupported: str | None = None
    link: Literal["linked", "used", "expired", "elsewhere", "unknown"] | None = None
    reactions: list[ReactionOut] = []
    versions: list[VersionOut] = []
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


# --- web chat ---------------------------------------------------------------------------------------------------------


class WidgetSessionIn(Shape):
    """`visitor_token` resumes an earlier visit, `identity_token` is the shop's JWT for a signed-in customer."""

    inbox: Identifier
    origin: Annotated[str, StringConstraints(max_length=300)]
    visitor_token: Annotated[str, StringConstraints(max_length=4000)] | None = None
    identity_token: Annotated[str, StringConstraints(max_length=8000)] | None = None
    language: Language = "en"


class PreChatField(Shape):
    name: Literal["name", "email", "phone"]
    required: bool


class WidgetSettings(Shape):
    """`text_us` is the firm's number for text messages, as people write it; null where the inbox names none."""

    title: dict[str, str]
    greeting: dict[str, str]
    languages: list[Language]
    pre_chat: list[PreChatField]
    quick_replies: dict[str, list[str]]
    attachment_limit: int
    media_types: list[str]
    text_limit: int
    text_us: str | None = None


class WidgetMessage(Shape):
    """A message as the customer sees it. `from` is relative to the reader."""

    id: str
    client_id: str | None = None
    sender: Literal["me", "bot", "agent", "system"]
    author_name: str = ""
    text: str
    buttons: list[ButtonOut] = []
    attachments: list[AttachmentOut] = []
    citation: WidgetCitation | None = None
    delivery: DeliveryState | None = None
    at: datetime


class WidgetStatus(Shape):
    """`place` is the customer's place in the queue, 1 = next; only while waiting."""

    status: Status
    place: int | None = None
    agent_name: str | None = None


class WidgetEntry(Shape):
    """Exactly one of the three is there. `delivery` reports on an earlier message (either side's)."""

    cursor: str
    at: datetime
    message: WidgetMessage | None = None
    delivery: dict[str, DeliveryState] | None = None
    status: WidgetStatus | None = None


class WidgetFeed(Shape):
    entries: list[WidgetEntry]
    cursor: str
    more: bool


class WidgetWindow(Shape):
    """A time at which somebody is there."""

    begins: datetime
    ends: datetime


class WidgetSessionOut(Shape):
    """`needs_details` asks for the pre-chat form; `entries` holds the recent history, oldest first. `open` is when
    somebody is there in the next days, at least the next time; null where somebody always is."""

    visitor_token: str
    socket_token: str
    contact_name: str
    needs_details: bool
    unread: int
    settings: WidgetSettings
    entries: list[WidgetEntry]
    cursor: str
    status: WidgetStatus | None
    open: list[WidgetWindow] | None


class WidgetDetailsIn(Shape):
    name: Annotated[Storable, StringConstraints(max_length=120)] = ""
    email: Annotated[Storable, StringConstraints(max_length=254)] = ""
    phone: Annotated[Storable, StringConstraints(max_length=40)] = ""


class WidgetMessageIn(Shape):
    """`payload` and `reply_to` are set when a button was pressed: the hub checks that it had offered that button."""

    client_id: Identifier
    text: Annotated[Storable, StringConstraints(max_length=10_000)]
    attachments: list[Identifier] = Field(default=[], max_length=5)
    payload: Annotated[Storable, StringConstraints(max_length=500)] | None = None
    reply_to: Identifier | None = None


class Accepted(Shape):
    """`message_id` is ours; a repeated `client_id` gets the first one's."""

    message_id: str
    conversation_id: str
    duplicate: bool


class SeenIn(Shape):
    """Everything up to and including this message was shown (`read`) or has arrived (`delivered`)."""

    message_id: Identifier
    state: Literal["delivered", "read"] = "read"


class TypingIn(Shape):
    on: bool


# --- the bot ----------------------------------------------------------------------------------------------------------


class OrderQuery(Shape):
    """`message_id` is the customer's message that asks: whoever wrote it must be who was proved."""

    conversation_id: Identifier
    message_id: Identifier


class OrderOut(Shape):
    """`carrier` and `expected` (ISO 8601 date) are empty where they are not known."""

    order_id: str
    state: str
    carrier: str
    expected: str


class VerifyIn(Shape):
    """What a customer said to prove who they are, and the message in which they did."""

    conversation_id: Identifier
    message_id: Identifier
    customer_number: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,32}$")]
    postcode: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 -]{3,16}$")]


class VerifyOut(Shape):
    verified: bool
    name: str | None = None


# --- running the hub --------------------------------------------------------------------------------------------------


class PartHealth(Shape):
    name: str
    state: str
    detail: dict[str, str] = {}


class HealthOut(Shape):
    """`state` is `ok`, `warming` (answers, some parts still load) or `degraded`."""

    state: Literal["ok", "warming", "degraded"]
    parts: list[PartHealth]


class OutboxRowOut(Shape):
    id: int
    handler: str
    order_key: str
    attempts: int
    last_error: str
    event_id: int
    created_at: datetime


class OutboxRows(Shape):
    items: list[OutboxRowOut]


class SourceOut(Shape):
    """`duplicate`: the message was there already. `read`: a report on a message, no message itself. `field` and `rule`
    say why one was refused. `origin` is where it was fetched from, `size` is in bytes. `sender` and `subject` are empty
    where they could not be read."""

    id: str
    inbox_id: str
    state: SourceState
    origin: str
    field: str
    rule: str
    message_id: str | None
    sender: str
    subject: str
    size: int
    at: datetime


class HeldBackPage(Shape):
    """Newest first. `next` continues with `before`; null at the end. `counts` is how many there are by inbox."""

    items: list[SourceOut]
    next: str | None
    counts: dict[str, int]


class HeldBackQuery(Shape):
    inbox_id: Identifier | None = None
    before: Identifier | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class AcceptedOut(Shape):
    """What came of a message that was taken in after all; null where it is a report on a message of ours."""

    conversation_id: str | None
    message_id: str | None


class SourcePage(Shape):
    """Newest first. `next` continues with `before`; null at the end. `counts` is of the whole inbox."""

    items: list[SourceOut]
    next: str | None
    counts: dict[str, int]


class SourcesQuery(Shape):
    state: SourceState | None = None
    before: Identifier | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Done(Shape):
    ok: Literal[True] = True


# --- open hours and promises ------------------------------------------------------------------------------------------

Windows = Annotated[list[tuple[str, str]], Field(max_length=12)]


class HoursIn(Shape):
    """`week` has seven days, Monday first, each with windows as `["09:00", "18:00"]`. The public holidays of `country`
    (and `region`, as the library `holidays` names it) are closed; `exceptions` go before them."""

    zone: Annotated[Storable, StringConstraints(max_length=60)]
    week: list[Windows] = Field(max_length=7)
    exceptions: dict[str, Windows] = Field(default={}, max_length=400)
    country: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")] = ""
    region: Annotated[Storable, StringConstraints(max_length=20)] = ""


class HoursOut(HoursIn):
    """`owner` is `inbox:ID`, `team:ID` or `vendor:ID`. `holidays` are the dates that are closed."""

    owner: str
    holidays: list[str]


class HoursList(Shape):
    items: list[HoursOut]


class PolicyIn(Shape):
    """`targets` in seconds of open time. Empty lists mean all; `position` orders the policies: the first that covers a
    conversation counts."""

    name: Annotated[Storable, StringConstraints(max_length=100)]
    position: int = Field(default=0, ge=0, le=10_000)
    targets: dict[Literal["first_response", "next_response", "resolution"], int]
    pauses: list[Literal["customer", "vendor", "snoozed"]] = ["customer", "vendor", "snoozed"]
    warn_share: float = 0.8
    inbox_ids: list[Identifier] = Field(default=[], max_length=500)
    team_ids: list[Identifier] = Field(default=[], max_length=500)
    priorities: list[Priority] = []
    contact_fields: dict[Identifier, Annotated[Storable, StringConstraints(max_length=500)]] = Field(
        default={}, max_length=10
    )


class PolicyOut(PolicyIn):
    policy_id: str


class Policies(Shape):
    """In their order."""

    items: list[PolicyOut]


# --- who a customer is ------------------------------------------------------------------------------------------------


class FieldsOut(Shape):
    """What the firm keeps of a customer, by the field's name."""

    fields: dict[str, str]


class FieldIn(Shape):
    value: Annotated[Storable, StringConstraints(max_length=500)]


class AnswersIn(Shape):
    """Fields of the contact that an agent asked for, and those that were answered right."""

    asked: list[Identifier] = Field(max_length=30)
    right: list[Identifier] = Field(max_length=30)


class AnswersOut(Shape):
    level: VerifiedLevel


class SendCodeIn(Shape):
    inbox_id: Identifier
    identity_id: Identifier


class CodeSent(Shape):
    message_id: str


class CodeIn(Shape):
    code: Annotated[Storable, StringConstraints(max_length=20)]


class CodeOut(Shape):
    right: bool
