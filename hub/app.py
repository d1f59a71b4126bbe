"""The composition root: the one file that knows every concrete part, and chooses between embedded and scaled out."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from bot.rasa import RasaBot
from hub.aside import Aside
from hub.clock import SystemClock
from hub.domain.channel_setup import Setup
from hub.domain.channel_setup import read as read_setup
from hub.domain.errors import NotFound, Refused, Unavailable
from hub.domain.inbox import Inbox
from hub.domain.messages import WebhookRequest
from hub.fetcher import PublicFetcher
from hub.hub import Hub
from hub.jobs.handlers import SUBSCRIPTIONS, jobs, with_routing
from hub.jobs.index_follower import IndexFollower
from hub.jobs.listeners import Listeners
from hub.jobs.nudges import ThreadNudger
from hub.jobs.runner import Runner
from hub.jobs.sweeper import Sweeper
from hub.jobs.upkeep import Upkeep
from hub.ports import (
    Bot,
    Channel,
    ChannelMaker,
    ChannelParts,
    Clock,
    Fetcher,
    FileStore,
    KnowledgeBase,
    Nudger,
    Postbox,
    Push,
    Silence,
)
from hub.services import attachments, inbox_secrets, intake
from hub.services.bot_turn import BotTurn
from hub.settings import Settings
from hub.store.files import open_files
from hub.store.inbox_directory import InboxDirectory
from hub.store.migrate import is_current
from hub.store.nearby import PgvectorNearby
from hub.store.queries import outbox
from hub.store.secret_box import SecretBox
from hub.store.subscriptions import Subscriptions
from hub.store.unit_of_work import PostgresStore, SqliteStore, Store
from hub.writer import ModelWriter

if TYPE_CHECKING:
    from types import ModuleType

    from redis import Redis

    from channels.email.receiver import Arrived, Receiver

log = logging.getLogger(__name__)

GROUP = "centralita.channels"
# A new channel is its file and its line here. Named, not imported: a hub pays for the channels that it has inboxes of.
CHANNELS: Mapping[str, str] = {
    "webchat": "channels.chat.widget:channel",
    "sms": "channels.sms.twilio:channel",
    "email": "channels.email.mailbox:channel",
    "whatsapp": "channels.social.whatsapp:channel",
    "whatsapp_twilio": "channels.sms.whatsapp_twilio:channel",
    "messenger": "channels.social.messenger:channel",
    "instagram": "channels.social.instagram:channel",
    "line": "channels.social.line:channel",
    "slack": "channels.social.slack:channel",
    "telegram": "channels.social.telegram:channel",
}


class Makers(Mapping[str, ChannelMaker]):
    """What makes each channel: our own and those of installed packages (entry points of the group), each loaded when it
    is first asked for.

    Args:
        more: others, by name, in place of those.
    """

    def __init__(self, more: Mapping[str, ChannelMaker] | None = None) -> None:
        installed = {point.name: point for point in entry_points(group=GROUP)}
        self._points = installed | {name: EntryPoint(name, value, GROUP) for name, value in CHANNELS.items()}
        self._loaded = dict(more or {})

    def __getitem__(self, name: str) -> ChannelMaker:
        if name not in self._loaded:
            self._loaded[name] = self._points[name].load()
        return self._loaded[name]

    def setup(self, name: str) -> Setup:
        """What an administrator gives for it: the file beside the channel's module. One without declares nothing."""
        package, _, module = self._points[name].module.rpartition(".") if name in self._points else ("", "", "")
        beside = files(package) / f"{module}.toml" if package else None
        return read_setup(beside.read_text("utf-8")) if beside is not None and beside.is_file() else Setup(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._points.keys() | self._loaded.keys())

    def __len__(self) -> int:
        return len(self._points.keys() | self._loaded.keys())


class Channels:
    """The channel of each inbox, made when it is first asked for and again when its settings have changed."""

    def __init__(
        self,
        store: Store,
        files: FileStore,
        box: SecretBox,
        clock: Clock,
        fetcher: Fetcher,
        public_url: str,
        makers: Makers,
    ) -> None:
        self._store = store
        self._files = files
        self._box = box
        self._clock = clock
        self._fetcher = fetcher
        self._public_url = public_url
        self._makers = makers
        self._made: dict[str, tuple[Inbox, Channel]] = {}

    def __call__(self, inbox: Inbox) -> Channel:
        """Raises NotFound where nothing installed speaks the inbox's channel."""
        known = self._made.get(inbox.id)
        if known and known[0] == inbox:
            return known[1]
        secrets = json.loads(self._box.open(inbox.sealed_secrets)) if inbox.sealed_secrets else {}
        channel = self.make(inbox, secrets)
        self._made[inbox.id] = (inbox, channel)
        return channel

    def kinds(self) -> Mapping[str, Setup]:
        """See `hub.hub.Catalogue`."""
        return {name: self._makers.setup(name) for name in sorted(self._makers)}

    def make(self, inbox: Inbox, secrets: Mapping[str, str]) -> Channel:
        """See `hub.hub.Catalogue`."""
        make = self._makers.get(inbox.channel)
        if make is None:
            raise NotFound(f"no installed package speaks the channel {inbox.channel}")
        url = f"{self._public_url}/webhooks/{inbox.key}"
        keep = partial(self._keep_secret, inbox.id)
        parts = ChannelParts(inbox, secrets, self._box.derive, self._clock, self._fetcher, url, keep, self._read_file)
        return make(parts)

    def _read_file(self, attachment_id: str) -> bytes:
        return self._files.get(attachments.key(attachment_id))

    def _keep_secret(self, inbox_id: str, name: str, value: str) -> None:
        self._store.write(lambda tx: inbox_secrets.keep(tx, self._box, inbox_id, name, value))


@dataclass(slots=True)
class _After:
    """What a commit sets off. Filled in after the store is made, because the parts behind it need the store."""

    nudger: Nudger | None = None
    push: Push | None = None

    def __call__(self, nudges: list[tuple[int, bool]], has_events: bool) -> None:
        # The job first: it is claimed while the screens' page is read, and a bot's answer waits for nothing else.
        if self.nudger and nudges:
            fast = [outbox_id for outbox_id, slow in nudges if not slow]
            slow = [outbox_id for outbox_id, is_slow in nudges if is_slow]
            if fast:
                self.nudger.nudge(fast)
            if slow:
                self.nudger.nudge(slow, slow=True)
        if self.push and has_events:
            self.push.look()


@dataclass(frozen=True, slots=True)
class Assembled:
    """A hub with the parts that run beside it. `start` and `stop` are for processes that run rows."""

    hub: Hub
    runner: Runner
    redis: Redis | None
    turn: BotTurn
    aside: Aside
    _running: list[ThreadNudger | Sweeper | IndexFollower | Listeners | Upkeep] = field(default_factory=list)

    def start(self) -> None:
        """Starts what this process runs: in embedded mode everything, in scaled-out mode a worker's share."""
        if isinstance(self.hub.nudger, ThreadNudger):
            self._running.append(self.hub.nudger)
        if self.hub.settings.embedded:
            self.hub.store.write(outbox.take_over)  # nobody else runs rows on SQLite
        sweeper = Sweeper(self.hub)
        self.runner.expect = sweeper.expect
        self._running.extend((sweeper, Listeners(self.hub), Upkeep(self.hub)))
        self._start(indexes=True)

    def start_answering(self) -> None:
        """Starts what a web process of a scaled-out hub needs: its own search index, and nothing that runs rows."""
        self._start(indexes=False)

    def _start(self, *, indexes: bool) -> None:
        if self.hub.knowledge is not None:
            self._running.append(IndexFollower(self.hub, indexes=indexes))
        for part in self._running:
            part.start()

    def stop(self) -> None:
        for part in reversed(self._running):
            part.stop()
        self._running.clear()
        self.turn.close()
        self.aside.stop()
        self.hub.store.close()


def open_store(
    settings: Settings,
    clock: Clock,
    committed: Callable[[list[tuple[int, bool]], bool], None],
    subscriptions: Subscriptions = SUBSCRIPTIONS,
) -> Store:
    """The store of these settings, told to call `committed` after each commit."""
    if settings.sqlite_path is not None:
        settings.data.mkdir(parents=True, exist_ok=True)
        return SqliteStore(settings.sqlite_path, clock, subscriptions, committed)
    return PostgresStore(settings.database_url, clock, subscriptions, committed)


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    bot: Bot | None = None,
    knowledge: KnowledgeBase | None = None,
    make_push: Callable[[Store, Redis | None], Push] | None = None,
    nudger: Nudger | None = None,
    channels: Mapping[str, ChannelMaker] | None = None,
) -> Assembled:
    """Puts a hub together. Opens no connection and starts no thread.

    Args:
        settings: see `hub.settings`.
        clock: the machine's, unless a test brings its own.
        bot: in place of the Rasa server of the settings.
        knowledge: in place of the knowledge base of the settings.
        make_push: makes what tells open screens; without it nobody is told.
        nudger: in place of the one that the settings choose.
        channels: more channels, by name.
    """
    clock = clock or SystemClock()
    after = _After()
    directory: list[InboxDirectory] = []  # it reads from the store, which asks it what follows from events
    store = open_store(settings, clock, after, with_routing(lambda: any(each.routed() for each in directory)))
    directory.append(InboxDirectory(store))
    box = SecretBox(settings.secret_key)
    # Embedded, the rows are run here: no worker would ever take them from Redis.
    redis = scaled_out().connect(settings.redis_url) if settings.redis_url and not settings.embedded else None
    if bot is None and settings.bot != "absent" and settings.rasa_url:
        bot = RasaBot(settings.rasa_url, settings.rasa_token, deadline=settings.bot_deadline)
    if knowledge is None and settings.knowledge != "absent":
        knowledge = local_knowledge(settings)
    push = make_push(store, redis) if make_push else Silence()
    fetcher = PublicFetcher(settings.fetch_allow)
    kept = open_files(settings.files_url)
    channel_of = Channels(store, kept, box, clock, fetcher, settings.public_url, Makers(channels))
    aside = Aside()
    holder: list[Runner] = []
    if nudger is None:
        nudger = (
            scaled_out().RedisNudger(settings.redis_url, clock)
            if redis is not None
            else ThreadNudger(lambda outbox_id: holder[0].run(outbox_id), settings.runner_threads)
        )
    hub = Hub(
        settings=settings,
        clock=clock,
        store=store,
        box=box,
        files=kept,
        channel_of=channel_of,
        catalogue=channel_of,
        aside=aside,
        inboxes=directory[0],
        bot=bot,
        knowledge=knowledge,
        push=push,
        nudger=nudger,
        writer=ModelWriter(settings.assist_url, settings.assist_model, settings.assist_key)
        if settings.assist_url
        else None,
        nearby=PgvectorNearby(store) if isinstance(store, PostgresStore) else None,
    )
    turn = BotTurn(settings.runner_threads)
    runner = Runner(hub, jobs(turn))
    holder.append(runner)
    after.nudger, after.push = nudger, push
    return Assembled(hub, runner, redis, turn, aside)


def scaled_out() -> ModuleType:
    """What speaks to Redis (`hub.scaled_out`), loaded when it is first asked for."""
    return import_module("hub.scaled_out")


def local_knowledge(settings: Settings) -> KnowledgeBase:
    """The knowledge base of the settings, not warmed. numpy comes with it."""
    search = import_module("kb.search")
    made: KnowledgeBase = search.LocalKnowledgeBase(search.KnowledgeSettings(model=settings.knowledge_model))
    return made


def require_schema(hub: Hub) -> None:
    """Raises Unavailable when the database has not the schema that this version wants."""
    with hub.store.read() as connection:
        if not is_current(connection):
            raise Unavailable("the database has another schema: run `centralita migrate` first")


def mail_receivers(hub: Hub) -> list[Receiver]:
    """The mail servers that the settings ask for, not started."""
    tls = None
    if hub.settings.smtp_certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(hub.settings.smtp_certificate)
    places: tuple[tuple[Literal["smtp", "lmtp"], tuple[str, int] | None], ...] = (
        ("smtp", hub.settings.smtp_listen),
        ("lmtp", hub.settings.lmtp_listen),
    )
    listens = [(protocol, place) for protocol, place in places if place is not None]
    if not listens:
        return []
    receiver: type[Receiver] = import_module("channels.email.receiver").Receiver
    return [
        receiver(
            *place,
            knows=lambda address: _mailbox_at(hub, address) is not None,
            store=partial(_store_mail, hub),
            protocol=protocol,
            tls=tls if protocol == "smtp" else None,
        )
        for protocol, place in listens
    ]


def _mailbox_at(hub: Hub, address: str) -> tuple[Inbox, Channel] | None:
    """Raises Refused or KeyError where nobody has the address and an inbox's settings are at fault: it may be that one,
    and the sender comes again. One whose settings are wrong holds up no other's mail."""
    wrong: Exception | None = None
    for inbox in hub.inboxes.every():
        try:
            channel = hub.channel_of(inbox)
        except (Refused, KeyError) as error:
            wrong = error
            continue
        if isinstance(channel, Postbox) and channel.owns(address):
            if inbox.disabled:
                raise Unavailable("this inbox is switched off", retry_after=60)
            return inbox, channel
    if wrong is not None:
        raise wrong
    return None


def _store_mail(hub: Hub, arrived: Arrived) -> None:
    """Raises NotFound where the inbox is gone since it was asked for; the sender then tries again and hears so."""
    found = _mailbox_at(hub, arrived.recipient)
    if found is None:
        raise NotFound(f"no inbox has the address {arrived.recipient}")
    digest = sha256(arrived.raw).hexdigest()[:32]
    request = WebhookRequest("SMTP", f"smtp:{arrived.recipient}/{digest}", body=arrived.raw)
    intake.take(hub, *found, request, also=lambda _: None)
