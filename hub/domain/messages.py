"""Messages as values: what a channel hands in, what it is given to send, and how far a message has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hub.domain.forms import FORM, read_form
from hub.domain.mail_threading import Lookups, ThreadHeaders
from hub.domain.templates import Approval, OutboundTemplate

# Channels whose messages are mails: with a subject, answered within hours, never in a dialogue.
LETTERS = frozenset({"email"})
# A header of a request that was held back (as spam, or blocked): somebody has looked at it and wants it after all.
ACCEPTED = "x-centralita-accepted"


class Kind(StrEnum):
    """Who a message is for. `note` is seen by agents only; `vendor` passes between agents and an outside firm."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    NOTE = "note"
    VENDOR = "vendor"


# What passes between the firm and the customer; nothing else may ever be shown to them or quoted in an answer.
WITH_CUSTOMER = (Kind.INCOMING.value, Kind.OUTGOING.value)


class Author(StrEnum):
    """Who wrote a message."""

    CONTACT = "contact"
    BOT = "bot"
    AGENT = "agent"
    SYSTEM = "system"
    VENDOR = "vendor"


class Delivery(StrEnum):
    """How far an outgoing message has come."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    UNKNOWN = "unknown"


# `failed` ranks above `sent`: a provider may accept first and give up later. It ranks below `delivered`:
# what has reached the customer did not fail. `unknown` yields to any later fact.
_RANK: Mapping[Delivery, int] = {
    Delivery.QUEUED: 0,
    Delivery.SENDING: 1,
    Delivery.UNKNOWN: 2,
    Delivery.SENT: 3,
    Delivery.FAILED: 4,
    Delivery.DELIVERED: 5,
    Delivery.READ: 6,
}


def further(current: Delivery, reported: Delivery) -> Delivery:
    """The later of two delivery states; late and repeated reports never move a message back."""
    return reported if _RANK[reported] > _RANK[current] else current


@dataclass(frozen=True, slots=True)
class Button:
    """A quick reply. `payload` comes back as the message's text, `title` is what the customer reads."""

    title: str
    payload: str


def choice_token(message_id: str, number: int) -> str:
    """What a button carries through a provider: our message and which of its buttons (1 is the first). 28 characters or
    a few more, so that it fits everywhere; what it stands for never leaves the hub."""
    return f"{message_id}.{number}"


def chosen(token: str) -> tuple[str, int]:
    """(message, number) of a `choice_token`; empty and 0 for what is none."""
    message_id, _, number = token.rpartition(".")
    known = len(message_id) == _ULID_LENGTH and message_id.isalnum() and message_id.isascii()
    return (message_id, int(number)) if known and number.isdecimal() and len(number) <= _MOST_DIGITS else ("", 0)


_ULID_LENGTH, _MOST_DIGITS = 26, 3


@dataclass(frozen=True, slots=True)
class Attachment:
    """A stored file. `attachment_id` finds its bytes in the file store; `size` is in bytes.

    On its way out it has a `url`, public, signed and good for a day or two: providers fetch the file from there.
    """

    attachment_id: str
    name: str
    media_type: str
    size: int
    url: str = ""

    def as_json(self) -> dict[str, str | int]:
        """How it stands in a message's extras."""
        return {"id": self.attachment_id, "name": self.name, "media_type": self.media_type, "size": self.size}


@dataclass(frozen=True, slots=True)
class RemoteMedia:
    """A file that the provider keeps for us. It is fetched in a job of its own, never inside the webhook.

    `media_type`, `name` and `size` (bytes) are what the provider says of it; the content decides.
    """

    url: str
    media_type: str = ""
    name: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class InboundFile:
    """A file that came with its message, bytes and all. `inline`: the message's own HTML shows it."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail is besides the text that its writer wrote.

    `headers` and `named` place it (`hub.domain.mail_threading`); `message_ids` are its own, by which replies may name
    it. `whole` is the body with all that it quotes, `html` the same made safe to show, where files of the message stand
    by their index. `robot` is empty for a person's mail, else what kind of program wrote it; `notes` say what had to be
    repaired to read it.
    """

    subject: str
    message_ids: tuple[str, ...]
    headers: ThreadHeaders
    named: Lookups
    whole: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    robot: str = ""
    copies: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutboundLetter:
    """What a mail of ours needs besides its text. `references` are ids of mails in the conversation, oldest first; the
    last is answered. `author` is empty where no person wrote it: the mail then says that it is automatic."""

    subject: str
    ticket_number: int
    references: tuple[str, ...] = ()
    author: str = ""


class ConsentWord(StrEnum):
    """What a customer says to whoever texts them: no more, again, or who are you."""

    STOP = "stop"
    START = "start"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Consent:
    """A message that is nothing but such a word. `answered`: the provider has answered the customer already."""

    word: ConsentWord
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Location:
    """A place that a customer sent, in degrees (WGS 84); what it is called, where they or the provider say so."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class ContactCard:
    """Somebody's card that a customer sent. It says nothing of the customer themselves."""

    name: str
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Referral:
    """What led a customer to write. `source` is a short word (`ad`, `link`, `post`, `story`); `reference` is what the
    firm itself put into the link."""

    source: str
    title: str = ""
    url: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """An HTTP request as a channel sees it; free of any web framework, so that every parse test is a plain call.

    `url` is the public URL that the provider called, `headers` has lower-case names.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def kind(self) -> str:
        """The body's content type, in lower case and without parameters; empty where it is not said."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def form(self) -> Mapping[str, tuple[str, ...]]:
        """Every value of every field of a form; empty for a body that is none. Whoever verifies and reads this reads
        what the body says, byte for byte."""
        return read_form(self.body) if self.kind == FORM else {}


@dataclass(frozen=True, slots=True)
class Address:
    """One address of a contact in a channel, as the provider writes it.

    Spellings of one telephone number become one identity in the hub (`hub.services.numbers`); a channel changes nothing
    about them. `scope` separates equal addresses of different accounts (a web chat visitor belongs to its inbox); it is
    empty where an address means the same person everywhere (a phone number).
    """

    channel: str
    value: str
    scope: str = ""
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A customer's message, normalized.

    `external_id` is the provider's id, unique within the inbox. `thread_key` ties messages that the channel itself
    threads (mail references, a widget's conversation); empty where it does not. `evidence` lists further addresses of
    the same person with how that is known, for example `(("email", "ana@example.org", "signed_identity"),)`.

    A pressed button has its `payload` and, in `reply_to`, our id of the message that offered it; the hub checks that it
    did, and only then is the payload trusted. A `choice_token` as payload says both. Of files that the hub stores
    already, only the attachment's id is known; files that the provider keeps are `media`, those whose bytes came along
    are `files`. `letter` is there for mails. `consent` is set where the text is nothing but such a word. `to` is the
    address of ours that they wrote to, where the inbox has several: answers go out from there. `sent_at` is the
    provider's time of it, microseconds; channels with a reply window always give it, for the window runs from there.
    `window` is there where this message opens a longer one than usual, seconds, or where its provider tells no time.

    `also` are further addresses of the sender by the provider's own word: one person has a telephone number and a
    user's id there, and messages may come with either alone.

    `answers` is the provider's id of the message that this one quotes or answers. `sticker` says what a sticker shows,
    in a word or an emoji; its picture is one of the `media`. `unsupported` is the provider's name of a kind of message
    that the hub cannot show. `read_token` is what the provider wants back where the message is read.
    `elsewhere`: another app of the firm's answers this customer at present; here nobody is to.
    """

    external_id: str
    address: Address
    text: str
    thread_key: str = ""
    language: str = ""
    attachments: tuple[Attachment, ...] = ()
    media: tuple[RemoteMedia, ...] = ()
    files: tuple[InboundFile, ...] = ()
    letter: Letter | None = None
    consent: Consent | None = None
    payload: str = ""
    reply_to: str = ""
    to: str = ""
    sent_at: int | None = None
    window: int | None = None
    evidence: tuple[tuple[str, str, str], ...] = ()
    also: tuple[Address, ...] = ()
    answers: str = ""
    location: Location | None = None
    cards: tuple[ContactCard, ...] = ()
    sticker: str = ""
    referral: Referral | None = None
    unsupported: str = ""
    read_token: str = ""
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """A message says something else from now on. `target` is the provider's id of it, `sent_at` the provider's time
    (microseconds) or its sequence number: what is older changes nothing. Its files stay."""

    target: str
    address: Address
    text: str
    sent_at: int


@dataclass(frozen=True, slots=True)
class Deletion:
    """Whoever wrote a message took it back: its text and files go, that there was one stays."""

    target: str
    address: Address


@dataclass(frozen=True, slots=True)
class Reaction:
    """A sign that somebody put to a message of either side, or took away (`removed`; an empty `emoji` then means each
    of theirs). `only`: the channel allows one each, which takes the place of the one before. `sent_at` as in `Edit`.
    """

    target: str
    address: Address
    emoji: str
    sent_at: int
    removed: bool = False
    only: bool = False


@dataclass(frozen=True, slots=True)
class Echo:
    """A message of ours that comes back. `message.address` is the customer, `message.external_id` the provider's id.

    `own`: the hub sent it itself; `message_id` is our id where the provider gives that back. Else a person typed it in
    the provider's own app.
    """

    message: InboundMessage
    own: bool = False
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """The customer has got (`delivered`) or read everything that was sent up to a moment (microseconds)."""

    address: Address
    up_to: int
    state: Delivery


@dataclass(frozen=True, slots=True)
class Readdressed:
    """A customer has another address from now on, the provider says; the one before stays known."""

    before: Address
    after: Address


@dataclass(frozen=True, slots=True)
class Reachable:
    """The customer blocked us (not `reachable`), or takes messages again."""

    address: Address
    reachable: bool


@dataclass(frozen=True, slots=True)
class DeliveryUpdate:
    """A provider's report on a message of ours: found by its id or, where it echoes ours, by `message_id`.

    `opted_out`: it failed because the customer has told the provider that they want no messages at this address.
    `account`: it failed because of our account (a block, a bill), so that the inbox must stop sending.
    """

    state: Delivery
    provider_id: str = ""
    message_id: str = ""
    error_code: str = ""
    error_text: str = ""
    opted_out: bool = False
    account: bool = False


@dataclass(frozen=True, slots=True)
class TemplateUpdate:
    """The provider has decided on a template."""

    name: str
    language: str
    approval: Approval
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AccountTrouble:
    """The provider says that the inbox's account may not send any more; with an empty `code`, that it may again."""

    code: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Something that happened to a phone call. Voice channels fill it; `detail` holds what the step needs."""

    call_id: str
    name: str
    address: Address
    detail: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SetAside:
    """One element of a batch that could not be used: the others go on, this is kept with its reason. Sender and subject
    are for the list of what was held back, where the channel could read them."""

    field: str
    rule: str
    raw: bytes
    sender: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class ProviderReply:
    """What the provider wants to read."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"


_Change = Edit | Deletion | Reaction | Echo | Seen | Reachable | Readdressed
InboundEvent = InboundMessage | DeliveryUpdate | CallEvent | _Change | TemplateUpdate | AccountTrouble


@dataclass(frozen=True, slots=True)
class Parsed:
    """The events of one webhook and the reply it wants.

    `unless_ours` is stored where none of the delivery updates is about a message of ours: then the whole was no report
    to us, but something to read.
    """

    events: tuple[InboundEvent, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    reply: ProviderReply = ProviderReply()
    unless_ours: InboundMessage | None = None


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """A message for a channel to send. `message_id` doubles as idempotency key where the provider takes one.

    `sender` is the address of ours that the customer last wrote to; empty where the inbox has but one. `tag` lets it
    out after the reply window. With a `template`, `text` is only what the customer will read.
    """

    message_id: str
    conversation_id: str
    address: Address
    text: str
    buttons: tuple[Button, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    reply_to_external_id: str = ""
    thread_key: str = ""
    sender: str = ""
    letter: OutboundLetter | None = None
    tag: str = ""
    template: OutboundTemplate | None = None


@dataclass(frozen=True, slots=True)
class Attention:
    """Somebody reads what a customer wrote, and perhaps writes the answer (`typing`). `last` is the provider's id of
    their last message, `token` what it came with for this (`InboundMessage.read_token`)."""

    address: Address
    last: str
    token: str = ""
    typing: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the provider said on taking a message: its id and how far the message has come. `letter_ids` are further ids
    by which replies to a mail, and bounces of it, may name it."""

    provider_id: str
    state: Delivery = Delivery.SENT
    letter_ids: tuple[str, ...] = ()
