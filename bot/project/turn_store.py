"""The bot's memory as `turn_store.TurnStore` in endpoints: Rasa's SQL tracker store with its own table and rows.

Rasa's own opens a connection for each reading and each writing, reads the whole conversation again, counts it by a query
that is built anew, adds the events one by one, and waits for the disk several times a turn. Here connections are kept,
a turn reads and writes only what is new, in one statement each.
"""

from __future__ import annotations

import itertools
import json
from collections import OrderedDict
from dataclasses import dataclass

import sqlalchemy as sa
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.events import Event, SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.utils.common import all_subclasses

CONVERSATIONS = 256  # whose events stay read; about 50 kB each
EVENTS = SQLTrackerStore.SQLEvent.__table__
OF_CONVERSATION = EVENTS.c.sender_id == sa.bindparam("conversation")
STORED = sa.select(sa.func.count(), sa.func.max(EVENTS.c.id)).where(OF_CONVERSATION)
NEWER = sa.select(EVENTS.c.data).where(OF_CONVERSATION, EVENTS.c.id > sa.bindparam("last")).order_by(EVENTS.c.id)


@dataclass
class Read:
    """What was read of a conversation: its events in order, and the id of the last one's row."""

    events: list[Event]
    last: int


class TurnStore(SQLTrackerStore):
    """Options: those of Rasa's `SQL`. What is kept is only ever what the table holds: each use asks it for its state."""

    def __init__(self, domain=None, **options):
        super().__init__(domain=domain, **options)
        self._read = OrderedDict()  # by conversation, the longest unused first
        self._kinds = {kind.type_name: kind for kind in reversed(all_subclasses(Event))}
        if self.engine.dialect.name == "sqlite":
            self.engine.dispose()
            self.engine = sa.create_engine(
                self.engine.url, poolclass=sa.pool.QueuePool, connect_args={"check_same_thread": False}
            )
            sa.event.listen(self.engine, "connect", _without_waiting_for_the_disk)
            self.sessionmaker.configure(bind=self.engine)

    async def retrieve(self, sender_id):
        with self.engine.connect() as connection:
            return self._tracker(sender_id, latest_session(self._events(connection, sender_id)))

    async def retrieve_full_tracker(self, conversation_id):
        with self.engine.connect() as connection:
            return self._tracker(conversation_id, self._events(connection, conversation_id))

    async def save(self, tracker):
        await self.stream_events(tracker)
        with self.engine.begin() as connection:
            stored = len(latest_session(self._events(connection, tracker.sender_id)))
            rows = [_row(tracker.sender_id, event) for event in itertools.islice(tracker.events, stored, None)]
            if rows:
                connection.execute(sa.insert(EVENTS), rows)

    def _tracker(self, conversation, events):
        if not (self.domain and events):
            return None
        return DialogueStateTracker.from_events(conversation, events, self.domain.slots)

    def _events(self, connection, conversation):
        """All events of a conversation as the table holds them now."""
        count, last = connection.execute(STORED, {"conversation": conversation}).one()
        read = self._read.pop(conversation, None) or Read([], 0)
        if read.last != (last or 0):
            read = Read(read.events + self._newer(connection, conversation, read.last), last or 0)
        if len(read.events) != count:  # somebody has removed events that had been read
            read = Read(self._newer(connection, conversation, 0), last or 0)
        if read.events:
            self._read[conversation] = read
            if len(self._read) > CONVERSATIONS:
                self._read.popitem(last=False)
        return read.events

    def _newer(self, connection, conversation, last):
        rows = connection.execute(NEWER, {"conversation": conversation, "last": last})
        return [self._event(json.loads(data)) for (data,) in rows]

    def _event(self, parameters):
        """Rasa's `Event.from_parameters`, which goes through all kinds of events for each one."""
        return self._kinds[parameters["event"]]._from_parameters(parameters)


def latest_session(events):
    """Those of the latest session, as Rasa's own query has it."""
    begin = max((event.timestamp for event in events if isinstance(event, SessionStarted)), default=None)
    return events if begin is None else [event for event in events if event.timestamp >= begin]


def _row(conversation, event):
    data = event.as_dict()
    return {
        "sender_id": conversation,
        "type_name": event.type_name,
        "timestamp": data.get("timestamp"),
        "intent_name": data.get("parse_data", {}).get("intent", {}).get("name"),
        "action_name": data.get("name"),
        "data": json.dumps(data),
    }


def _without_waiting_for_the_disk(connection, _record):
    """A commit outlives the end of the process, however that comes. When the machine itself loses its power the last
    turns may be forgotten, never broken: the messages are the hub's, and who was verified verifies again."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
