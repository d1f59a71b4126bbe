"""What came into the queues, who was there and how long things took, as the log has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from hub.domain import events as e
from hub.domain import routing as r
from hub.domain.conversation import Status
from hub.domain.rehearsal import Change
from hub.store import tables as t
from hub.store.feed import EVENT_COLUMNS, recorded_from
from hub.store.queries import routing

_c, _e = t.conversation.c, t.event.c
_CHUNK = 200
_QUEUED = ("ConversationOpened", "HandedOver")
_KINDS = (*_QUEUED, "Assigned", "Resolved", "Transferred", "HandedBack", "PriorityChanged")


@dataclass(slots=True)
class Stay:
    """A conversation's first stay in a queue. Times in microseconds; 0: not yet.

    `answered_at` and `agent_id` are of whoever got it, `left_at` is when they were done with it, `ended_at` when it was
    closed though nobody had got it.
    """

    waiting: r.Waiting
    contact_id: str
    ticket_number: int
    answered_at: int = 0
    agent_id: str = ""
    left_at: int = 0
    ended_at: int = 0
    _open: bool = field(default=True, repr=False)


def last(connection: Connection, number: int) -> list[Stay]:
    """The first stays of the last conversations that came to people, in the order of their coming."""
    ids = select(_c.id).where(_c.handed_over_event > 0, _c.merged_into == "").order_by(_c.last_activity_at.desc())
    return _stays(connection, list(connection.execute(ids.limit(number)).scalars()))


def began(connection: Connection) -> int:
    """When the log begins; 0 while it is empty."""
    return connection.execute(select(_e.at).order_by(_e.id).limit(1)).scalar_one_or_none() or 0


def between(connection: Connection, begin: int, end: int) -> list[Stay]:
    """The first stays of conversations that came to people in [begin, end), in the order of their coming."""
    ids = select(_c.id).where(
        _c.handed_over_event > 0, _c.merged_into == "", _c.last_activity_at >= begin, _c.opened_at < end
    )
    found = _stays(connection, list(connection.execute(ids).scalars()))
    return [each for each in found if begin <= each.waiting.since < end]


def _stays(connection: Connection, ids: Sequence[str]) -> list[Stay]:
    languages = set(connection.execute(select(t.skill.c.name).where(t.skill.c.kind == "language")).scalars())
    found: list[Stay] = []
    for first in range(0, len(ids), _CHUNK):
        found += _some(connection, ids[first : first + _CHUNK], languages)
    return sorted(found, key=lambda each: (each.waiting.since, each.waiting.id))


def _some(connection: Connection, ids: Sequence[str], languages: set[str]) -> Iterator[Stay]:
    columns = (_c.id, _c.ticket_number, _c.contact_id, _c.channel, _c.language)
    rows = {row.id: row for row in connection.execute(select(*columns).where(_c.id.in_(ids)))}
    needs = routing.needs_of(connection, ids)
    statement = select(*EVENT_COLUMNS).where(_e.stream_id.in_(ids), _e.kind.in_(_KINDS))
    stays: dict[str, Stay] = {}
    priorities: dict[str, int] = {}
    for event_row in connection.execute(statement.order_by(_e.stream_id, _e.sequence)):
        recorded = recorded_from(event_row)
        event, which, at = recorded.event, recorded.stream_id, recorded.at
        stay = stays.get(which)
        if isinstance(event, e.PriorityChanged | e.ConversationOpened) and stay is None:
            priorities[which] = event.priority
        queued = isinstance(event, e.HandedOver) or (
            isinstance(event, e.ConversationOpened) and event.status == Status.WAITING
        )
        if stay is None and queued and isinstance(event, e.HandedOver | e.ConversationOpened):
            row = rows[which]
            asked, liked = needs.get(which, ((), ()))
            if row.language in languages and all(need.skill != row.language for need in asked + liked):
                asked = (r.Need(row.language), *asked)
            waiting = r.Waiting(
                which, event.team_id, row.channel, at, priorities.get(which, 0), required=asked, preferred=liked
            )
            stays[which] = Stay(waiting, row.contact_id, row.ticket_number)
        elif stay is not None and stay._open:
            _told(stay, event, at)
    yield from stays.values()


def _told(stay: Stay, event: e.Event, at: int) -> None:
    if isinstance(event, e.Assigned):
        if not stay.answered_at:
            stay.answered_at, stay.agent_id = at, event.agent_id
        return
    if not isinstance(event, e.Resolved | e.Transferred | e.HandedBack):
        return
    stay._open = False
    if stay.answered_at:
        stay.left_at = at
    else:
        stay.ended_at = at


def presences(connection: Connection, agent_ids: Sequence[str], begin: int, end: int) -> list[Change]:
    """How these agents' presences changed in [begin, end), and first how each was before."""
    mine = (_e.stream_id.in_(agent_ids), _e.kind == "PresenceChanged")
    before = select(func.max(_e.id)).where(*mine, _e.at < begin).group_by(_e.stream_id)
    earlier = select(*EVENT_COLUMNS).where(_e.id.in_(before))
    within = select(*EVENT_COLUMNS).where(*mine, _e.at >= begin, _e.at < end).order_by(_e.id)
    found: list[Change] = []
    for statement in (earlier, within):
        for row in connection.execute(statement):
            recorded = recorded_from(row)
            if isinstance(recorded.event, e.PresenceChanged):
                found.append(Change(max(begin, recorded.at), recorded.stream_id, recorded.event.presence))
    return found
