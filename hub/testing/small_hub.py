"""A real hub with one inbox, for what only a hub can show: what is stored, once, and what the provider is answered."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hub.app import build
from hub.domain import events as e
from hub.domain.messages import Parsed, WebhookRequest
from hub.ports import ChannelMaker, ChannelParts, Listener
from hub.services import inbound, replies
from hub.settings import from_environment
from hub.store import tables as t
from hub.store.migrate import migrate_url
from hub.store.unit_of_work import Tx
from hub.testing.fakes import CountingPush, FakeBot, ManualClock, WaitingNudger, WordKnowledge
from hub.web.flask_app import create_app

PUBLIC_URL = "https://hub.example"
INBOX_ID, INBOX_KEY, TEAM_ID = "kit-inbox", "kit-key", "kit-team"
KEY = "a key for the conformance kit alone"


class SmallHub:
    """A context manager.

    Args:
        name: the channel's, as it is registered.
        make: its maker.
        settings: of the inbox.
        secrets: of the inbox.
        database_url: empty, or migrated already; without it a SQLite file that is gone afterwards.
    """

    def __init__(
        self,
        name: str,
        make: ChannelMaker,
        settings: Mapping[str, Any],
        secrets: Mapping[str, str],
        database_url: str = "",
    ) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="centralita-kit-"))
        url = database_url or f"sqlite:///{self._folder}/hub.sqlite3"
        migrate_url(url)
        assembled = build(
            from_environment(
                {
                    "CENTRALITA_DATABASE_URL": url,
                    "CENTRALITA_REDIS_URL": "redis://127.0.0.1:1/0",  # nobody asks it: the nudger is our own
                    "CENTRALITA_DATA": str(self._folder),
                    "CENTRALITA_SECRET_KEY": KEY,
                    "CENTRALITA_PUBLIC_URL": PUBLIC_URL,
                }
            ),
            clock=ManualClock(),
            bot=FakeBot(),
            knowledge=WordKnowledge(),
            make_push=lambda _store, _redis: CountingPush(),
            nudger=WaitingNudger(),
            channels={name: make},
        )
        self._assembled, self.hub = assembled, assembled.hub
        values = {"id": INBOX_ID, "key": INBOX_KEY, "name": name, "channel": name, "team_id": TEAM_ID}
        sealed = self.hub.box.seal(json.dumps(dict(secrets)))

        def furnish(tx: Tx) -> None:
            tx.add(t.team, {"id": TEAM_ID, "name": "The kit's", "tier": "1"})
            tx.add(t.inbox, values | {"settings": json.dumps(dict(settings)), "secrets": sealed})

        self.hub.store.write(furnish)
        self.inbox = self.hub.inboxes.by_id(INBOX_ID)
        self._app = create_app(self.hub)

    def __enter__(self) -> SmallHub:
        return self

    def __exit__(self, *_: object) -> None:
        self._assembled.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def parts(self, like: ChannelParts) -> ChannelParts:
        """What this hub's channel was made from, for whoever signs requests to it."""
        return ChannelParts(
            self.inbox, like.secrets, self.hub.box.derive, self.hub.clock, like.fetcher, like.webhook_url
        )

    def call(self, request: WebhookRequest) -> tuple[int, bytes, str]:
        """(status, body, content type) of the hub's answer to a request from the web."""
        address = urlsplit(request.url)
        answer = self._app.test_client().open(
            f"{address.path}?{address.query}" if address.query else address.path,
            method=request.method,
            headers=dict(request.headers),
            data=request.body,
        )
        return answer.status_code, answer.get_data(), answer.content_type or ""

    def take(self, request: WebhookRequest) -> tuple[int, bytes, str]:
        """A provider's request on its own way in: by the web, or as a listener hands it over."""
        channel = self.hub.channel_of(self.inbox)
        if not isinstance(channel, Listener):
            return self.call(request)
        parsed: Parsed = channel.parse_inbound(request)
        self.hub.store.write(lambda tx: inbound.accept(tx, self.inbox, parsed, request, channel.capabilities))
        return parsed.reply.status, parsed.reply.body, parsed.reply.content_type

    def take_at_once(self, requests: list[WebhookRequest]) -> list[int]:
        """The statuses of requests that all come at the same moment."""
        statuses: list[int] = []
        start = threading.Barrier(len(requests))

        def deliver(request: WebhookRequest) -> None:
            start.wait()
            statuses.append(self.take(request)[0])

        threads = [threading.Thread(target=deliver, args=(request,)) for request in requests]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return statuses

    def rows(self, table: Any) -> list[Any]:
        with self.hub.store.read() as connection:
            return list(connection.execute(table.select()))

    def incoming(self) -> list[Any]:
        """The customers' messages that are stored."""
        return [row for row in self.rows(t.message) if row.kind == "incoming"]

    def sent(self, provider_id: str = "", message_id: str = "") -> str:
        """A message that the provider has taken, in the conversation that came last. Returns its id."""
        conversation_id = self.incoming()[-1].conversation_id

        def use_case(tx: Tx) -> str:
            made = replies.send(tx, conversation_id, "Hello", e.SYSTEM, message_id=message_id)
            tx.record(conversation_id, e.DeliveryChanged(made, "sending"))
            tx.change(t.message, {"id": made}, {"provider_id": provider_id})
            return made

        return self.hub.store.write(use_case)

    def forget(self, message_id: str) -> None:
        """Takes the provider's id from a message, for the next that is to have it."""
        self.hub.store.write(lambda tx: tx.change(t.message, {"id": message_id}, {"provider_id": f"was {message_id}"}))

    def state(self, message_id: str) -> str:
        return str(next(row.state for row in self.rows(t.message) if row.id == message_id))
