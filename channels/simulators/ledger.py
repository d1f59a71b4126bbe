"""What the simulators sent and got, as they saw it: checks compare the hub with this, never the hub with itself.

Two things are kept: a journal, to which each text, attempt, call and report is appended, and the state of each
message. Times are seconds since 1970-01-01 UTC, latencies milliseconds.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

MOST_PER_PAGE = 1000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL, sid TEXT NOT NULL,
    status INTEGER NOT NULL, latency_ms REAL, detail TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS entry_of_message ON entry (sid, kind);
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY, changed INTEGER NOT NULL, sid TEXT NOT NULL UNIQUE, channel TEXT NOT NULL,
    direction TEXT NOT NULL, origin TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,
    customer TEXT NOT NULL, body TEXT NOT NULL, segments INTEGER NOT NULL, status TEXT NOT NULL,
    error_code INTEGER NOT NULL, service_sid TEXT NOT NULL, callback_url TEXT NOT NULL,
    created REAL NOT NULL, sent REAL NOT NULL, updated REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS message_changed ON message (changed);
CREATE INDEX IF NOT EXISTS message_of_customer ON message (customer, changed);
CREATE TABLE IF NOT EXISTS media (
    sid TEXT PRIMARY KEY, message_sid TEXT NOT NULL, name TEXT NOT NULL, media_type TEXT NOT NULL,
    content BLOB NOT NULL, created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS media_of_message ON media (message_sid);
CREATE TABLE IF NOT EXISTS choice (
    message_sid TEXT NOT NULL, place INTEGER NOT NULL, title TEXT NOT NULL, token TEXT NOT NULL,
    PRIMARY KEY (message_sid, place)
);
CREATE TABLE IF NOT EXISTS number (number TEXT PRIMARY KEY, settings TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS block (customer TEXT NOT NULL, sender TEXT NOT NULL, PRIMARY KEY (customer, sender));
"""

# The first acceptance of each text by the hub; a text is out of order when one sent before it, by the same customer
# to the same number, was first accepted after it.
_SUMMARY = """
WITH text AS (
    SELECT id, sid, sender, recipient FROM message WHERE origin = 'customer' AND id > :after
), tried AS (
    SELECT text.*, min(CASE WHEN e.status BETWEEN 200 AND 299 THEN e.id END) AS accepted, count(e.id) AS attempts,
           sum(CASE WHEN e.status BETWEEN 200 AND 299 THEN 1 ELSE 0 END) AS acceptances
    FROM text LEFT JOIN entry e ON e.sid = text.sid AND e.kind = 'webhook' GROUP BY text.id
), ordered AS (
    SELECT *, max(accepted) OVER (
        PARTITION BY sender, recipient ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS earlier FROM tried
)
SELECT count(*) AS sent, count(accepted) AS accepted, coalesce(sum(attempts), 0) AS attempts,
       coalesce(sum(acceptances), 0) AS acceptances, coalesce(sum(accepted < earlier), 0) AS out_of_order,
       count(DISTINCT sender || ' ' || recipient) AS pairs FROM ordered
"""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the provider has it.

    `origin` is who made it: `customer`, `hub` (a REST call or a reply to a webhook) or `provider` (its own reply to
    STOP). `customer` is the phone that it came from or goes to. `error_code` is 0 for none, `sent` is 0 until then.
    `changed` grows with every change of any message: whoever asks for what is above the last one misses nothing.
    """

    sid: str
    direction: str
    origin: str
    sender: str
    recipient: str
    body: str
    segments: int
    status: str
    created: float
    service_sid: str = ""
    callback_url: str = ""
    channel: str = "sms"
    error_code: int = 0
    sent: float = 0.0
    updated: float = 0.0
    id: int = 0
    changed: int = 0

    @property
    def customer(self) -> str:
        return self.sender if self.origin == "customer" else self.recipient


@dataclass(frozen=True, slots=True)
class Media:
    """One file of a message. `content` is empty in lists."""

    sid: str
    message_sid: str
    name: str
    media_type: str
    created: float
    content: bytes = b""


_COLUMNS = (
    "id, changed, sid, channel, direction, origin, sender, recipient, body, segments, status, error_code, "
    "service_sid, callback_url, created, sent, updated"
)


def _message(row: sqlite3.Row) -> Message:
    return Message(**dict(row))


class Ledger:
    """The ledger in a SQLite file, or in memory without a path. Safe for threads: one connection, one at a time."""

    def __init__(self, path: Path | None = None) -> None:
        self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        # A crash of this process loses nothing; one of the machine may lose the last moments of a demo.
        self._connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}")
        self._lock = threading.RLock()
        self._news = threading.Condition(self._lock)
        self._closed = False
        self._changes: int = self._value("SELECT coalesce(max(changed), 0) FROM message")

    def close(self) -> None:
        """Lets whoever waits go, then closes the file."""
        with self._news:
            self._closed = True
            self._news.notify_all()
            self._connection.close()

    # --- the journal ---

    def note(
        self,
        kind: str,
        sid: str,
        at: float,
        status: int = 0,
        latency_ms: float | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> int:
        """Appends to the journal.

        Args:
            kind: `text` (a customer sent one), `webhook` (an attempt to hand it to the hub), `message` (the hub or
                the provider made one), `call` (the hub's REST call), `report` (a delivery report to the hub).
            sid: of the message that it is about; empty for a call that made none.
            at: when.
            status: the HTTP status; 0 where there was no answer.
            latency_ms: until that answer.
            detail: what else is worth knowing.

        Returns:
            The entry's id.
        """
        sql = "INSERT INTO entry (at, kind, sid, status, latency_ms, detail) VALUES (?, ?, ?, ?, ?, ?)"
        with self._lock:
            cursor = self._connection.execute(sql, (at, kind, sid, status, latency_ms, json.dumps(detail or {})))
            return int(cursor.lastrowid or 0)

    def entries(self, *, after: int = 0, limit: int = 100, kind: str = "") -> list[dict[str, Any]]:
        """The journal from `after` on, the oldest first; `latency_ms` is None where there was no answer."""
        sql = "SELECT * FROM entry WHERE id > ? AND (? = '' OR kind = ?) ORDER BY id LIMIT ?"
        with self._lock:
            rows = self._connection.execute(sql, (after, kind, kind, min(limit, MOST_PER_PAGE))).fetchall()
        return [dict(row) | {"detail": json.loads(row["detail"])} for row in rows]

    def attempts(self, sid: str) -> list[dict[str, Any]]:
        """`status` and `latency_ms` of each attempt to hand a text to the hub, in the order of the answers."""
        sql = "SELECT status, latency_ms FROM entry WHERE sid = ? AND kind = 'webhook' ORDER BY id"
        with self._lock:
            return [dict(row) for row in self._connection.execute(sql, (sid,))]

    def summary(self, *, after: int = 0) -> dict[str, Any]:
        """What was sent, accepted and created, counted from the entries above `after`.

        Returns:
            texts: `sent` by customers, of which `accepted` by the hub (2xx at least once), `waiting`, `failed`;
                `attempts` and `acceptances` (copies count), `out_of_order` within the `pairs` of customer and number;
                `latency_ms` of accepted attempts (`p50`, `p99`, `most`).
            messages: `created` by the hub, by `status`, and the provider's own (`by_provider`).
            calls: the hub's REST calls by HTTP `status`.
            reports: delivery reports by the HTTP `status` of their answer.
            last: the newest entry's id, for `after`.
        """
        with self._lock:
            one = self._connection.execute
            texts: dict[str, Any] = dict(one(_SUMMARY, {"after": after}).fetchone())
            states = self._pairs(
                "SELECT status, count(*) FROM message WHERE origin = 'customer' AND id > ? GROUP BY 1", after
            )
            latencies = [
                row[0]
                for row in one(
                    "SELECT latency_ms FROM entry WHERE kind = 'webhook' AND status BETWEEN 200 AND 299 AND id > ? "
                    "ORDER BY latency_ms",
                    (after,),
                )
            ]
            made = self._pairs("SELECT status, count(*) FROM message WHERE origin = 'hub' AND id > ? GROUP BY 1", after)
            own = one("SELECT count(*) FROM message WHERE origin = 'provider' AND id > ?", (after,)).fetchone()[0]
            counts = "SELECT status, count(*) FROM entry WHERE kind = '{}' AND id > ? GROUP BY 1"
            calls, reports = (self._pairs(counts.format(kind), after) for kind in ("call", "report"))
            last = self._value("SELECT coalesce(max(id), 0) FROM entry")
        texts["waiting"], texts["failed"] = states.get("receiving", 0), states.get("failed", 0)
        texts["latency_ms"] = {
            "p50": _quantile(latencies, 0.5),
            "p99": _quantile(latencies, 0.99),
            "most": _quantile(latencies, 1.0),
        }
        messages = {"created": sum(made.values()), "by_provider": own, "status": made}
        return {"texts": texts, "messages": messages, "calls": calls, "reports": reports, "last": last}

    # --- messages ---

    def add(self, message: Message, media: Sequence[Media] = (), choices: Sequence[tuple[str, str]] = ()) -> Message:
        """Keeps a message and notes it in the journal. Returns it with `id` and `changed`.

        Args:
            message: as it was sent.
            media: its files.
            choices: title and token of each button under it, in their order.
        """
        kind = "text" if message.origin == "customer" else "message"
        detail = {"from": message.sender, "to": message.recipient, "origin": message.origin, "media": len(media)}
        with self._news, self._together():
            kept = replace(
                message,
                id=self.note(kind, message.sid, message.created, detail=detail),
                changed=self._change(),
                updated=message.created,
            )
            values = [getattr(kept, name) for name in _COLUMNS.split(", ")]
            marks = ", ".join("?" * (len(values) + 1))
            self._connection.execute(
                f"INSERT INTO message ({_COLUMNS}, customer) VALUES ({marks})",  # noqa: S608  # our own columns
                [*values, kept.customer],
            )
            self._add_media(media)
            self._connection.executemany(
                "INSERT INTO choice (message_sid, place, title, token) VALUES (?, ?, ?, ?)",
                [(message.sid, place, title, token) for place, (title, token) in enumerate(choices)],
            )
        return kept

    def choices(self, sid: str) -> list[tuple[str, str]]:
        """Title and token of each button under a message."""
        sql = "SELECT title, token FROM choice WHERE message_sid = ? ORDER BY place"
        with self._lock:
            return [(row[0], row[1]) for row in self._connection.execute(sql, (sid,))]

    def add_media(self, sid: str, media: Sequence[Media], at: float) -> None:
        """Adds files to a message that is there."""
        with self._news, self._together():
            self._add_media(media)
            self._connection.execute(
                "UPDATE message SET changed = ?, updated = ? WHERE sid = ?", (self._change(), at, sid)
            )

    def set_status(self, sid: str, status: str, at: float, error_code: int = 0) -> None:
        """Moves a message on."""
        with self._news:
            self._connection.execute(
                "UPDATE message SET status = ?, error_code = ?, updated = ?, changed = ?, "
                "sent = CASE WHEN sent = 0 AND ? IN ('sent', 'received') THEN ? ELSE sent END WHERE sid = ?",
                (status, error_code, at, self._change(), status, at, sid),
            )

    def message(self, sid: str) -> Message | None:
        return next(self._messages("sid = ?", (sid,), "id", 1), None)

    def changes(self, *, after: int, customer: str = "", limit: int = 200, wait: float = 0.0) -> list[Message]:
        """Messages that changed, in the order of their changes.

        Args:
            after: the `changed` of the last one seen; 0 gives the newest messages, however long ago they changed.
            customer: only of this phone; empty for all.
            limit: at most this many.
            wait: seconds to wait for one where there is none.
        """
        mine, values = ("customer = ?", [customer]) if customer else ("1", [])
        if not after:
            newest = list(self._messages(mine, values, "id DESC", limit))
            return sorted(newest, key=lambda message: message.changed)
        with self._news:
            found: list[Message] = []

            def look() -> bool:
                if not self._closed:
                    found.extend(self._messages(f"{mine} AND changed > ?", [*values, after], "changed", limit))
                return bool(found) or self._closed

            self._news.wait_for(look, wait)
        return found

    @property
    def last_change(self) -> int:
        """The highest `changed` so far."""
        return self._changes

    def listed(
        self,
        *,
        sender: str = "",
        recipient: str = "",
        sent_from: float | None = None,
        sent_before: float | None = None,
        below: int = 0,
        limit: int = 50,
    ) -> list[Message]:
        """The newest first, below an id (0: all), with the sender, the recipient and the time of sending given."""
        rules: list[tuple[str, Any]] = []
        if sender:
            rules.append(("sender = ?", sender))
        if recipient:
            rules.append(("recipient = ?", recipient))
        if sent_from is not None:
            rules.append(("max(sent, created) >= ?", sent_from))
        if sent_before is not None:
            rules.append(("max(sent, created) < ?", sent_before))
        if below:
            rules.append(("id < ?", below))
        where = " AND ".join(["1", *(rule for rule, _ in rules)])
        return list(self._messages(where, [value for _, value in rules], "id DESC", limit))

    def media_of(self, sids: Iterable[str]) -> dict[str, list[Media]]:
        """The files of messages, without content, in their order."""
        found: dict[str, list[Media]] = {}
        with self._lock:
            for sid in sids:
                rows = self._connection.execute(
                    "SELECT sid, message_sid, name, media_type, created FROM media WHERE message_sid = ? "
                    "ORDER BY rowid",
                    (sid,),
                )
                found[sid] = [Media(**dict(row)) for row in rows]
        return found

    def media(self, sid: str) -> Media | None:
        """One file with its content."""
        with self._lock:
            row = self._connection.execute("SELECT * FROM media WHERE sid = ?", (sid,)).fetchone()
        return Media(**dict(row)) if row else None

    # --- numbers and blocks ---

    def numbers(self) -> dict[str, dict[str, Any]]:
        """The settings of each number that the firm has."""
        with self._lock:
            return {number: json.loads(text) for number, text in self._connection.execute("SELECT * FROM number")}

    def set_number(self, number: str, settings: Mapping[str, Any]) -> None:
        with self._lock:
            self._connection.execute("INSERT OR REPLACE INTO number VALUES (?, ?)", (number, json.dumps(settings)))

    def block(self, customer: str, sender: str, blocked: bool) -> bool:
        """Blocks a sender (a number, or a messaging service's sid) for a customer, or lets it through again. Returns
        whether that changed anything."""
        if blocked:
            sql = "INSERT OR IGNORE INTO block VALUES (?, ?)"
        else:
            sql = "DELETE FROM block WHERE customer = ? AND sender = ?"
        with self._lock:
            return self._connection.execute(sql, (customer, sender)).rowcount > 0

    def is_blocked(self, customer: str, sender: str) -> bool:
        sql = "SELECT count(*) FROM block WHERE customer = ? AND sender = ?"
        return bool(self._value(sql, customer, sender))

    def blocks(self) -> list[tuple[str, str]]:
        """Each customer with the sender that they blocked."""
        with self._lock:
            return [(row[0], row[1]) for row in self._connection.execute("SELECT customer, sender FROM block")]

    # --- inside ---

    def _change(self) -> int:
        self._changes += 1
        self._news.notify_all()
        return self._changes

    @contextmanager
    def _together(self) -> Iterator[None]:
        """One transaction; the lock is held."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _add_media(self, media: Sequence[Media]) -> None:
        self._connection.executemany(
            "INSERT INTO media (sid, message_sid, name, media_type, content, created) VALUES (?, ?, ?, ?, ?, ?)",
            [(m.sid, m.message_sid, m.name, m.media_type, m.content, m.created) for m in media],
        )

    def _messages(self, where: str, values: Sequence[Any], order: str, limit: int) -> Iterator[Message]:
        limit = min(limit, MOST_PER_PAGE + 1)
        sql = f"SELECT {_COLUMNS} FROM message WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608  # our own words
        with self._lock:
            rows = self._connection.execute(sql, [*values, limit]).fetchall()
        return map(_message, rows)

    def _pairs(self, sql: str, after: int) -> dict[str, int]:
        return {str(row[0]): row[1] for row in self._connection.execute(sql, (after,))}

    def _value(self, sql: str, *values: Any) -> int:
        with self._lock:
            return int(self._connection.execute(sql, values).fetchone()[0])


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
