"""What the hub asks of the outside. Concrete parts are chosen in `hub.app` alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from hub.domain.errors import NotFound
from hub.domain.gaps import Group
from hub.domain.inbox import AccountState, Inbox
from hub.domain.knowledge import ArticleText, BotReply, Passage, SearchResult
from hub.domain.messages import Address, Attention, OutboundMessage, Parsed, Receipt, RemoteMedia, WebhookRequest
from hub.domain.rendering import ChoiceStyle
from hub.domain.reply_window import MessageTag
from hub.domain.templates import Template
from hub.domain.visitor import SignedIdentity, Visitor


@dataclass(frozen=True, slots=True)
class Capabilities:
    """A channel's limits as data. Sizes are in bytes, `reply_window` in seconds (None: no limit).

    `channel` is the kind that its addresses belong to: two providers of text messages are both `sms`. `text_limit` is
    in characters. `segmented`: texts are counted and paid in SMS segments. `messages_per_second`: what one sender of
    this inbox may send (0: no limit). `opt_out`: customers may forbid us to write to them by a word (STOP).
    `keeps_source`: each message is kept as it came, whole (mail). `letters`: messages have subjects and refer to each
    other (`OutboundMessage.letter`).

    After the `reply_window`, counted from the customer's last message, only templates go out where the channel has
    `templates`, and what one of the `tags` lets its authors send. `choices` are the ways in which the channel shows
    buttons, the best one first; what fits none of them becomes numbered lines. `buttons` is how many choices a message
    may have in all, as buttons or lines.

    Not `changeable`: what was said once stays as it was said, nobody edits it, takes it back or reacts to it. Not
    `typed_choices`: choices come back as payloads alone, and no number or title that is typed means one of them. Both
    spare each message a look into the database. `typing_lasts`: for how many seconds customers of an `Attentive`
    channel see that somebody writes; 0 where they cannot.

    `deep_link` is the address that opens this channel for a customer, with `{token}` where it takes a word that comes
    back as the reference of a message's referral, or `{text}` where it takes only a text for them to send; `{handle}`
    is the account's (`AccountState.handle`). Empty where there is no such link.
    """

    channel: str
    text_limit: int
    buttons: int = 0
    attachments: bool = False
    attachment_limit: int = 0
    media_types: tuple[str, ...] = ()
    reply_window: int | None = None
    idempotent_send: bool = False
    segmented: bool = False
    messages_per_second: float = 0.0
    opt_out: bool = False
    keeps_source: bool = False
    letters: bool = False
    choices: tuple[ChoiceStyle, ...] = ()
    templates: bool = False
    tags: tuple[MessageTag, ...] = ()
    changeable: bool = True
    typed_choices: bool = True
    typing_lasts: float = 0.0
    deep_link: str = ""


class Channel(Protocol):
    """One kind of inbox. One instance serves one inbox; it holds that inbox's settings and nothing else."""

    @property
    def capabilities(self) -> Capabilities: ...

    def verify(self, request: WebhookRequest) -> None:
        """Raises `BadSignature` unless the request is genuine. Compares in constant time, over the raw bytes."""

    def parse_inbound(self, request: WebhookRequest) -> Parsed:
        """Events in the request. Pure: no network, no clock. Raises `Refused` when nothing in it can be read."""

    def send(self, message: OutboundMessage) -> Receipt:
        """Hands a message to the provider. Raises `ChannelError`."""


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A file from elsewhere: its bytes and what the server said of it."""

    content: bytes
    media_type: str = ""
    name: str = ""


class Fetcher(Protocol):
    """Gets files from addresses that somebody else wrote: public hosts only, bounded in size, time and redirects."""

    def fetch(self, url: str, *, limit: int, authorization: str = "") -> FetchedFile:
        """Gets at most `limit` bytes. `authorization` goes to the first host alone, never along a redirect.

        Raises ChannelError: permanent where the address is refused or the file too large or gone.
        """


@runtime_checkable
class MediaSource(Protocol):
    """A channel whose messages name files that the provider keeps."""

    def fetch_media(self, media: RemoteMedia) -> FetchedFile:
        """Gets a file of a message. Called in a job. Raises ChannelError."""


@runtime_checkable
class ManySenders(Protocol):
    """A channel whose inbox sends from several numbers or services, each of which may send only so fast."""

    def sender_of(self, message: OutboundMessage) -> str:
        """Names the sender that a message will leave by; equal names share `messages_per_second`."""


@runtime_checkable
class TemplateSource(Protocol):
    """A channel whose provider keeps approved texts."""

    def templates(self) -> Sequence[Template]:
        """All of them, whatever their state. Raises ChannelError."""


@runtime_checkable
class Account(Protocol):
    """A channel whose provider can be asked how the inbox's account is."""

    def account(self) -> AccountState:
        """Asks, and changes and sends nothing. Raises ChannelError with what exactly is wrong."""


@runtime_checkable
class Registrar(Protocol):
    """A channel whose provider is told by a call where the hub is."""

    def register(self) -> None:
        """Tells it, also where it called somebody else before. Raises ChannelError."""


@runtime_checkable
class EndingToken(Protocol):
    """A channel whose token ends unless it is exchanged in time."""

    def renew_token(self) -> int:
        """Exchanges it and keeps the new one. Returns until when that is good, microseconds; 0 where this inbox's does
        not end. Raises ChannelError."""


@runtime_checkable
class Names(Protocol):
    """A channel whose messages do not say what their sender is called, and whose provider knows."""

    def name_of(self, address: Address) -> str:
        """Asks the provider; empty where it does not tell. Raises ChannelError."""


@runtime_checkable
class Attentive(Protocol):
    """A channel whose customers can be shown that what they wrote is read, and that somebody answers."""

    def attend(self, attention: Attention) -> None:
        """Shows it. Expendable: nobody tries again. Raises ChannelError."""


@runtime_checkable
class Reconciler(Protocol):
    """A channel that can look up what became of a send whose answer was lost."""

    def find_sent(self, message: OutboundMessage, *, since: int) -> Receipt | None:
        """The provider's record of this message, sent at `since` (microseconds) or later; None where there is none or
        more than one that it may be. Raises ChannelError where the provider does not answer."""


def _kept_nowhere(_name: str, _value: str) -> None:
    """For channels that are made by hand: their secrets live as long as they do."""


def _no_files(attachment_id: str) -> bytes:
    """For channels that are made by hand: there is no hub whose files they could send."""
    raise NotFound(f"there is no file {attachment_id}")


@dataclass(frozen=True, slots=True)
class ChannelParts:
    """What a channel is made from.

    `derive` makes a key of the installation's own for a purpose; `webhook_url` is where the provider calls this inbox.
    `keep_secret(name, value)` changes one of the inbox's secrets at rest, as where a provider hands out a new refresh
    token; the hub then makes the channel anew. `read_file` gives the bytes of an attachment that is to be sent, for
    providers that take bytes rather than addresses; it raises NotFound.
    """

    inbox: Inbox
    secrets: Mapping[str, str]
    derive: Callable[[str], bytes]
    clock: Clock
    fetcher: Fetcher
    webhook_url: str
    keep_secret: Callable[[str, str], None] = _kept_nowhere
    read_file: Callable[[str], bytes] = _no_files


# What a package registers under the entry point group `centralita.channels`, by the inbox's channel.
ChannelMaker = Callable[[ChannelParts], Channel]

VisitorTokenPurpose = Literal["visitor", "socket"]


class WebChat(Channel, Protocol):
    """The hub's own channel: besides messages it knows who a browser is and which pages may embed the chat."""

    def allows_origin(self, origin: str) -> bool:
        """Whether a page of this origin may embed the chat: scheme, host and port exactly."""

    def issue_visitor_token(self, visitor: Visitor, *, purpose: VisitorTokenPurpose = "visitor") -> str:
        """A token that `read_visitor_token` accepts for the same purpose."""

    def read_visitor_token(self, token: str, *, purpose: VisitorTokenPurpose = "visitor") -> Visitor:
        """The visitor of one of this inbox's tokens. Raises BadSignature."""

    def read_identity_token(self, token: str) -> SignedIdentity:
        """What the shop vouches for. Raises BadSignature; also where the inbox takes no signed identities."""


class Line(Protocol):
    """A listener's way into the hub, held by one process at a time. Every method raises HubError when it is not ours
    any more; the listener then lets that through and ends."""

    @property
    def memory(self) -> str:
        """What was last kept: where to go on after any outage. Empty at the very first time."""

    def emit(self, request: WebhookRequest, memory: str = "") -> None:
        """Stores what the channel's `parse_inbound` finds in a request, and in the same transaction the memory from now
        on (empty: as it was). What cannot be read is set aside with its reason. Returns after the commit."""

    def emit_all(self, arrived: Sequence[tuple[WebhookRequest, str]]) -> None:
        """As `emit` for several requests, each with the memory from then on; they share a commit where they can."""

    def remember(self, memory: str) -> None:
        """Keeps the memory where nothing is to be stored."""

    def seen(self, behind: int = 0, notice: str = "") -> None:
        """The source answers; `behind` messages are known to wait there. `notice` is something an administrator should
        know of though all is well (a mailbox that was rebuilt). Both are shown to administrators."""

    def failed(self, error: str) -> None:
        """The source cannot be reached or refuses us. Shown to administrators until `seen`."""

    def stopped(self) -> bool:
        """Whether the listener is to return."""

    def wait(self, seconds: float) -> bool:
        """Waits, at most until it is to return; returns `stopped()`."""


@dataclass(frozen=True, slots=True)
class Lying:
    """A mail that lies in a mailbox. `origin` is what it is emitted with.

    `place`: `before` the inbox was connected, `read` (it must be known), `waiting` to be read. The rest is for people
    who look for it; `size` in bytes.
    """

    origin: str
    place: Literal["before", "read", "waiting"]
    arrived: datetime
    size: int
    subject: str
    sender: str


@runtime_checkable
class Postbox(Protocol):
    """A channel of mail: what is sent to its addresses belongs to it, and what lies in its mailbox can be counted."""

    def owns(self, address: str) -> bool:
        """Whether mail to this address is for this inbox: its own address or an alias, with any tag."""

    def inventory(self, memory: str) -> Iterable[Lying]:
        """Everything that lies in the mailbox now, for a listener with this memory. Raises ChannelError."""


@runtime_checkable
class Listener(Protocol):
    """A channel that nobody calls: it fetches or is connected (mailbox, ARI, socket mode)."""

    def listen(self, line: Line) -> None:
        """Emits what comes until `line.stopped()`. What it raises is shown, and it is called again after a pause."""


class Bot(Protocol):
    """The dialogue engine."""

    def reply(
        self,
        *,
        conversation_id: str,
        message_id: str,
        text: str,
        channel: str,
        language: str,
        trusted: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> BotReply:
        """The bot's turn on one customer message.

        Asking again with the same `message_id` returns what the first call led to and advances nothing.

        Raises:
            BotTimeout: no answer within the deadline.
            BotError: no usable answer; an empty one counts as none.
        """

    def told(self, *, conversation_id: str, text: str, author: str) -> None:
        """Writes what the customer was told by somebody else (the knowledge base, a person) into the bot's memory.

        Raises BotError when the bot cannot be reached; callers may ignore that.
        """

    def status(self) -> Mapping[str, str]:
        """`state` (`ready`, `starting`, `down`, `absent`) and what else an administrator wants to know."""


class KnowledgeBase(Protocol):
    """Search over published passages, with calibrated confidence. Holds its index in process."""

    def search(self, question: str, *, language: str, limit: int = 3) -> SearchResult:
        """The best `limit` articles for a question. Raises `Unavailable` while the models still warm up."""

    def search_all(self, questions: Sequence[tuple[str, str]], *, limit: int = 3) -> list[SearchResult]:
        """The same for many questions, each (text, language), in order and faster than one by one. Raises
        `Unavailable` while the models still warm up."""

    def detect_language(self, text: str, *, hint: str = "") -> str:
        """ISO 639-1 code of the text's language; `hint` when the text is too short to tell."""

    def passages(self, article: ArticleText) -> tuple[Passage, ...]:
        """Cuts and encodes one article version. Slow (milliseconds per passage); raises `Unavailable` while warming."""

    def scratch(self) -> KnowledgeBase:
        """An empty index that reads with the same models, to try other articles in. Raises `Unavailable`."""

    def imprint(self, texts: Sequence[str]) -> tuple[bytes, ...]:
        """What the models make of texts in any language; opaque, and comparable where `model_id` is the same. Raises
        `Unavailable`."""

    def likeness(self, one: bytes, others: Sequence[bytes]) -> list[float]:
        """How alike imprints are: 1 the same, 0 nothing in common."""

    def groups(self, texts: Sequence[str], languages: Sequence[str], imprints: Sequence[bytes]) -> tuple[Group, ...]:
        """Texts that mean the same, the largest group first; a text that is like no other is a group of one."""

    def replace(self, article_id: str, passages: Iterable[Passage]) -> None:
        """Swaps one article's passages in this process's index (all its locales); an empty iterable removes it."""

    def load(self, passages: Iterable[Passage], *, nearby: Nearby | None = None) -> None:
        """Replaces the whole index. Where `nearby` has the vectors, the passages need none, and none are held here."""

    def fork(self) -> KnowledgeBase:
        """The same models over the index as it is now: what is replaced in one is not seen by the other."""

    def lean_on(self, model: str, model_id: str, passages: Iterable[Passage]) -> bool:
        """Lets another model answer meanwhile, with its own passages. Seconds; False where it cannot be had.

        Args:
            model: the setting that names it.
            model_id: what its passages carry.
            passages: of the articles as it read them.
        """

    def stand_alone(self) -> None:
        """From now on this model answers itself."""

    def warm(self) -> None:
        """Loads the models. Called in a background thread; returns when `search` can answer."""

    def status(self) -> Mapping[str, str]:
        """`state` (`warming`, `ready`, `failed`), `model_id`, `calibration_id`, number of `passages`, and where their
        `vectors` are."""

    @property
    def model(self) -> str:
        """The setting that names the models; empty for the packaged ones."""

    @property
    def model_id(self) -> str:
        """Names the encoders; passages of another model are encoded again."""


class Writer(Protocol):
    """A language model that drafts what an agent then reads. Most installations have none."""

    def write(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Its answer to messages with `role` and `content`. Raises Unavailable."""


Held = Mapping[tuple[str, str, int], bytes]
"""Passages' vectors, as in `Passage.vectors`, by article, locale and ordinal."""


class Nearby(Protocol):
    """Passages' vectors in the database: it names candidates, for an index too large for every process's memory."""

    def prepare(self, model_id: str) -> None:
        """Takes in what it lacks of a model's passages; minutes for a large index. Raises `Unavailable` with the reason
        where the database cannot do this."""

    def lacks(self, model_id: str) -> str:
        """What keeps it from answering for all passages of a model; empty where nothing does."""

    def candidates(
        self, model_id: str, queries: Mapping[int, tuple[Sequence[float], float]], count: int, also: Collection[str]
    ) -> Held:
        """The vectors of all passages of the articles nearest to a question.

        Args:
            model_id: of the passages.
            queries: the question's vector by some of the model's encoders, by the encoder's number, each with what its
                cosines weigh.
            count: how many articles, by all encoders together.
            also: articles that are wanted besides.

        Raises:
            Unavailable: the database does not answer.
        """


class PassageStore(Protocol):
    """Where passages rest between starts."""

    def all_passages(self, model_id: str) -> Iterable[Passage]: ...

    def passages_of(self, article_id: str, model_id: str) -> tuple[Passage, ...]: ...


class FileStore(Protocol):
    """Attachment bytes, on disk or in an S3-compatible bucket."""

    def put(self, key: str, content: bytes) -> None: ...

    def put_all(self, contents: Mapping[str, bytes]) -> None: ...

    def get(self, key: str) -> bytes:
        """Raises NotFound."""

    def delete(self, key: str) -> None:
        """Deleting what is not there is no error."""


class SpeechToText(Protocol):
    def transcribe(self, sound: bytes, *, language: str) -> str: ...


class TextToSpeech(Protocol):
    def speak(self, text: str, *, language: str) -> bytes: ...


class Push(Protocol):
    """Tells open screens. Expendable: whoever misses a push finds the same in the feed."""

    def look(self) -> None:
        """There is something new in the feed."""

    def whisper(self, room: str, name: str, data: Mapping[str, Any]) -> None:
        """An ephemeral hint (typing) to a room; not in the feed, never stored."""


class Silence:
    """A push that reaches nobody: for processes with no screens and none to tell."""

    def look(self) -> None:
        return

    def whisper(self, room: str, name: str, data: Mapping[str, Any]) -> None:  # noqa: ARG002  # nobody hears it
        return


class Nudger(Protocol):
    """Wakes whoever runs outbox rows. Expendable: the sweeper finds what was not heard."""

    def nudge(self, outbox_ids: Iterable[int], *, slow: bool = False) -> None:
        """Rows that are due. `slow` rows go to a queue of their own."""


class Clock(Protocol):
    def now(self) -> int:
        """Microseconds since 1970-01-01 UTC."""


@dataclass(frozen=True, slots=True)
class Health:
    """State of one part for the health page."""

    name: str
    state: str
    detail: Mapping[str, str] = field(default_factory=dict)
