"""In-memory parts with behaviour, for tests of whoever works with the real ones. Shipped, so that outside channels and
bots can use them too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from hub.domain.errors import BadSignature, BotError, ChannelError, Unavailable
from hub.domain.gaps import Group
from hub.domain.knowledge import ArticleText, BotMessage, BotReply, FoundAnswer, Passage, SearchResult
from hub.domain.messages import (
    Address,
    Delivery,
    DeliveryUpdate,
    InboundMessage,
    OutboundMessage,
    Parsed,
    Receipt,
    RemoteMedia,
    WebhookRequest,
)
from hub.ports import Capabilities, FetchedFile, Nearby


class ManualClock:
    """A clock that a test moves. Starts in 2026; each reading is a microsecond after the one before."""

    def __init__(self) -> None:
        self._now = 1_790_000_000_000_000
        self._lock = threading.Lock()

    def now(self) -> int:
        with self._lock:
            self._now += 1
            return self._now

    def pass_time(self, microseconds: int) -> None:
        with self._lock:
            self._now += microseconds


Dialogue = Callable[[str, str], BotReply]


def greeting_dialogue(text: str, language: str) -> BotReply:
    """Knows greetings and the wish for a person, and nothing else."""
    lowered = text.lower()
    if "person" in lowered or text == "/ask_human":
        return BotReply((), "ask_human", 0.97, handoff_reason="customer_asked", model_id="fake")
    if lowered.startswith(("hello", "hola")):
        words = "¡Hola! ¿En qué puedo ayudarle?" if language == "es" else "Hello! How can I help?"
        return BotReply((BotMessage(words),), "greet", 0.95, model_id="fake")
    return BotReply((), "", 0.1, model_id="fake")


class FakeBot:
    """A bot that follows a dialogue. Like the real one it answers a repeated message id without another turn.

    `before` runs ahead of each turn: raise from it, or wait in it, to play a bot that fails or hangs.
    """

    def __init__(self, dialogue: Dialogue = greeting_dialogue) -> None:
        self.dialogue = dialogue
        self.turns: list[tuple[str, str]] = []
        self.asked = 0
        self.heard: list[tuple[str, str, str]] = []
        self.before: Callable[[str], None] = lambda _: None
        self._answered: dict[str, BotReply] = {}
        self._lock = threading.Lock()

    def reply(
        self,
        *,
        conversation_id: str,
        message_id: str,
        text: str,
        channel: str,  # noqa: ARG002  # the fake speaks alike on every channel
        language: str,
        trusted: bool = False,
        metadata: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> BotReply:
        self.asked += 1
        self.before(text)
        with self._lock:
            if message_id not in self._answered:
                self.turns.append((conversation_id, text))
                said = text if trusted else text.lstrip("/")
                self._answered[message_id] = self.dialogue(said, language)
            return self._answered[message_id]

    def told(self, *, conversation_id: str, text: str, author: str) -> None:
        self.heard.append((conversation_id, text, author))

    def status(self) -> Mapping[str, str]:
        return {"state": "ready", "model_id": "fake"}


def failing(reason: str) -> Callable[[str], None]:
    """For `FakeBot.before`: every turn fails for this reason."""

    def fail(_: str) -> None:
        raise BotError(reason)

    return fail


class WordKnowledge:
    """A knowledge base that counts words in common. Its confidence is the share of the question's words found.

    Args:
        model_id: of several "models", which all read the same.
    """

    model = ""

    def __init__(self, model_id: str = "words") -> None:
        self.model_id = model_id
        self._passages: dict[str, tuple[Passage, ...]] = {}
        self.warming = False
        self.former: WordKnowledge | None = None

    def search(self, question: str, *, language: str, limit: int = 3) -> SearchResult:
        if self.warming:
            raise Unavailable("still warming")
        if self.former is not None:
            return self.former.search(question, language=language, limit=limit)
        asked = _words(question)
        found = [
            FoundAnswer(p.article_id, p.version, p.locale, p.title, p.text, share, share)
            for passages in self._passages.values()
            for p in passages
            if (share := len(asked & _words(f"{p.title} {p.text}")) / max(len(asked), 1)) > 0
        ]
        found.sort(key=lambda answer: (-answer.confidence, answer.locale != language))
        best: dict[str, FoundAnswer] = {}
        for answer in found:
            best.setdefault(answer.article_id, answer)
        return SearchResult(tuple(best.values())[:limit], language, self.model_id, "words-1")

    def search_all(self, questions: Sequence[tuple[str, str]], *, limit: int = 3) -> list[SearchResult]:
        return [self.search(text, language=language, limit=limit) for text, language in questions]

    def detect_language(self, text: str, *, hint: str = "") -> str:
        return "es" if _words(text) & {"hola", "dónde", "mi", "quiero", "una", "está"} else hint or "en"

    def passages(self, article: ArticleText) -> tuple[Passage, ...]:
        if self.warming:
            raise Unavailable("still warming")
        a = article
        return (Passage(a.article_id, a.version, a.locale, 0, a.title, a.body, self.model_id, b""),)

    def scratch(self) -> WordKnowledge:
        if self.warming:
            raise Unavailable("still warming")
        return WordKnowledge()

    def imprint(self, texts: Sequence[str]) -> tuple[bytes, ...]:
        if self.warming:
            raise Unavailable("still warming")
        return tuple(" ".join(sorted(_words(text))).encode() for text in texts)

    def likeness(self, one: bytes, others: Sequence[bytes]) -> list[float]:
        mine = set(one.split())
        return [len(mine & set(each.split())) / max(len(mine | set(each.split())), 1) for each in others]

    def groups(
        self,
        texts: Sequence[str],
        languages: Sequence[str],  # noqa: ARG002  # words are words
        imprints: Sequence[bytes],
    ) -> tuple[Group, ...]:
        left, found = list(range(len(texts))), []
        while left:
            alike = self.likeness(imprints[left[0]], [imprints[place] for place in left])
            places = tuple(place for place, share in zip(left, alike, strict=True) if share >= 0.5)
            found.append(Group(places, left[0], tuple(sorted(_words(texts[left[0]])))[:4]))
            left = [place for place in left if place not in places]
        return tuple(sorted(found, key=lambda group: -len(group.places)))

    def replace(self, article_id: str, passages: Iterable[Passage]) -> None:
        self._passages[article_id] = tuple(passages)

    def load(self, passages: Iterable[Passage], *, nearby: Nearby | None = None) -> None:  # noqa: ARG002  # words
        self._passages = {}
        for passage in passages:
            self._passages[passage.article_id] = (*self._passages.get(passage.article_id, ()), passage)

    def fork(self) -> WordKnowledge:
        other = WordKnowledge()
        other._passages, other.warming = dict(self._passages), self.warming
        return other

    def lean_on(self, model: str, model_id: str, passages: Iterable[Passage]) -> bool:  # noqa: ARG002
        self.former = WordKnowledge(model_id)
        self.former.load(passages)
        return True

    def stand_alone(self) -> None:
        self.former = None

    def warm(self) -> None:
        self.warming = False

    def status(self) -> Mapping[str, str]:
        return {"state": "warming" if self.warming else "ready", "model_id": self.model_id}


def _words(text: str) -> set[str]:
    return {word.strip("¿?¡!.,;:").lower() for word in text.split()} - {""}


class WaitingNudger:
    """Keeps what it is told until a test runs it."""

    def __init__(self) -> None:
        self._waiting: list[int] = []
        self._lock = threading.Lock()

    def nudge(self, outbox_ids: Iterable[int], *, slow: bool = False) -> None:  # noqa: ARG002  # one line serves both
        with self._lock:
            self._waiting.extend(outbox_ids)

    def take(self) -> list[int]:
        with self._lock:
            taken, self._waiting = self._waiting, []
        return taken


class CountingPush:
    """Counts hints and keeps whispers."""

    def __init__(self) -> None:
        self.looks = 0
        self.whispers: list[tuple[str, str, Mapping[str, object]]] = []

    def look(self) -> None:
        self.looks += 1

    def whisper(self, room: str, name: str, data: Mapping[str, object]) -> None:
        self.whispers.append((room, name, data))


class PaperChannel:
    """A channel whose provider is a list. Bodies are `id|from|text`; the header `x-paper` must hold `genuine`.

    `errors` are raised by the next sends, in order; `sent` is the provider's ledger. `files` are what it keeps for us,
    by address: a file, or the error that asking for it ends with.
    """

    def __init__(self, *, idempotent: bool = False) -> None:
        self.capabilities = Capabilities("paper", text_limit=1000, idempotent_send=idempotent)
        self.sent: list[OutboundMessage] = []
        self.errors: list[Exception] = []
        self.after_send: Callable[[OutboundMessage], None] = lambda _: None
        self.files: dict[str, FetchedFile | Exception] = {}

    def verify(self, request: WebhookRequest) -> None:
        if request.headers.get("x-paper") != "genuine":
            raise BadSignature("not genuine")

    def parse_inbound(self, request: WebhookRequest) -> Parsed:
        kind, one, two, three = request.body.decode().split("|", 3)
        if kind == "state":
            return Parsed((DeliveryUpdate(Delivery(two), provider_id=one, error_code=three),))
        return Parsed((InboundMessage(one, Address("paper", two), three, thread_key="" if kind == "-" else kind),))

    def fetch_media(self, media: RemoteMedia) -> FetchedFile:
        found = self.files.get(media.url, ChannelError("gone", permanent=True))
        if isinstance(found, Exception):
            raise found
        return found

    def send(self, message: OutboundMessage) -> Receipt:
        if self.errors:
            error = self.errors.pop(0)
            if isinstance(error, ChannelError) and error.unknown:
                self.sent.append(message)
            raise error
        if not (self.capabilities.idempotent_send and any(m.message_id == message.message_id for m in self.sent)):
            self.sent.append(message)
        self.after_send(message)
        return Receipt(f"paper-{message.message_id}")
