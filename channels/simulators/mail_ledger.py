"""What the mailboxes sent and got, as they saw it: mails with their files, and each attempt to hand one over.

Times are seconds since 1970-01-01 UTC, latencies milliseconds.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

MOST_PER_PAGE = 1000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT, changed INTEGER NOT NULL, message_id TEXT NOT NULL, origin TEXT NOT NULL,
    kind TEXT NOT NULL, customer TEXT NOT NULL, sender TEXT NOT NULL, sender_name TEXT NOT NULL,
    recipient TEXT NOT NULL, reply_to TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL, html TEXT NOT NULL,
    refs TEXT NOT NULL, thread INTEGER NOT NULL, status TEXT NOT NULL, code INTEGER NOT NULL, words TEXT NOT NULL,
    attempts INTEGER NOT NULL, latency_ms REAL, created REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS mail_changed ON mail (changed);
CREATE INDEX IF NOT EXISTS mail_of_customer ON mail (customer, changed);
CREATE INDEX IF NOT EXISTS mail_by_message_id ON mail (message_id);
CREATE TABLE IF NOT EXISTS source (mail_id INTEGER PRIMARY KEY, raw BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS file (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mail_id INTEGER NOT NULL, name TEXT NOT NULL, media_type TEXT NOT NULL,
    content_id TEXT NOT NULL, content BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS file_of_mail ON file (mail_id);
CREATE TABLE IF NOT EXISTS entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, kind TEXT NOT NULL, mail_id INTEGER NOT NULL,
    code INTEGER NOT NULL, latency_ms REAL, detail TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS entry_of_mail ON entry (mail_id);
"""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a mail. `content` is empty in lists."""

    name: str
    media_type: str
    content: bytes = field(default=b"", repr=False)
    content_id: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class KeptMail:
    """One mail as its mailbox has it.

    `origin` is who made it: `customer`, `hub`, or `server` (out-of-office replies and bounces). `kind` is `mail`,
    `out_of_office` or `bounce`, `customer` the mailbox that it is of. `refs` are the ids that it names, oldest first
    and the answered one last. A customer's is `sending`, then `accepted` or `failed`, with the last SMTP answer
    (`code`, `words`; 0: none) and the `attempts`; the hub's is `received` or `bounced`. `changed` grows with every
    change of any.
    """

    message_id: str
    origin: str
    customer: str
    sender: str
    recipient: str
    subject: str
    text: str
    status: str
    created: float
    kind: str = "mail"
    sender_name: str = ""
    reply_to: str = ""
    html: str = ""
    refs: tuple[str, ...] = ()
    thread: int = 0
    code: int = 0
    words: str = ""
    attempts: int = 0
    latency_ms: float | None = None
    id: int = 0
    changed: int = 0


_COLUMNS = tuple(each.name for each in fields(KeptMail))


def _mail(row: sqlite3.Row) -> KeptMail:
    return KeptMail(**(dict(row) | {"refs": tuple(json.loads(row["refs"]))}))


class MailLedger:
    """The ledger in a SQLite file, or in memory without a path. Safe for threads: one connection, one at a time."""

    def __init__(self, path: Path | None = None) -> None:
        self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        # A crash of this process loses nothing; one of the machine may lose the last moments of a demo.
        self._connection.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_SCHEMA}")
        self._lock = threading.RLock()
        self._news = threading.Condition(self._lock)
        self._closed = False
        # The first change is 2: whoever has seen nothing yet may say 1.
        self._changes: int = self._value("SELECT coalesce(max(changed), 1) FROM mail")

    def close(self) -> None:
        """Lets whoever waits go, then closes the file."""
        with self._news:
            self._closed = True
            self._news.notify_all()
            self._connection.close()

    def add(self, mail: KeptMail, raw: bytes, files: Sequence[File] = ()) -> KeptMail:
        """Keeps a mail with its bytes. Returns it with `id`, `changed` and its `thread`: that of the newest mail of the
        mailbox that it names, else one of its own."""
        with self._news, self._together():
            thread = self._thread(mail)
            values = {name: getattr(mail, name) for name in _COLUMNS if name != "id"}
            values |= {"refs": json.dumps(mail.refs), "thread": thread, "changed": self._change()}
            names, marks = ", ".join(values), ", ".join("?" * len(values))
            cursor = self._connection.execute(
                f"INSERT INTO mail ({names}) VALUES ({marks})",  # noqa: S608  # our own columns
                list(values.values()),
            )
            mail_id = int(cursor.lastrowid or 0)
            if not thread:
                self._connection.execute("UPDATE mail SET thread = id WHERE id = ?", (mail_id,))
            self._connection.execute("INSERT INTO source VALUES (?, ?)", (mail_id, raw))
            self._connection.executemany(
                "INSERT INTO file (mail_id, name, media_type, content_id, content) VALUES (?, ?, ?, ?, ?)",
                [(mail_id, each.name, each.media_type, each.content_id, each.content) for each in files],
            )
            return replace(mail, id=mail_id, thread=thread or mail_id, changed=self._changes)

    def attempted(self, mail_id: int, at: float, code: int, words: str, latency_ms: float, status: str) -> None:
        """Notes an attempt to hand a customer's mail to the hub, and what became of the mail. One that was accepted
        stays so, with the latency of that time, whatever its copies meet."""
        with self._news, self._together():
            self.note("attempt", at, mail_id, code, latency_ms, {"words": words})
            self._connection.execute(
                "UPDATE mail SET attempts = attempts + 1, changed = ? WHERE id = ?", (self._change(), mail_id)
            )
            self._connection.execute(
                "UPDATE mail SET code = ?, words = ?, latency_ms = ?, status = ? WHERE id = ? AND status != 'accepted'",
                (code, words, latency_ms, status, mail_id),
            )

    def accepted_at(self, mail_id: int) -> float | None:
        """When the hub first took a customer's mail; None where it has not."""
        sql = "SELECT min(at) FROM entry WHERE mail_id = ? AND kind = 'attempt' AND code BETWEEN 200 AND 299"
        with self._lock:
            found = self._connection.execute(sql, (mail_id,)).fetchone()[0]
        return None if found is None else float(found)

    def note(
        self,
        kind: str,
        at: float,
        mail_id: int = 0,
        code: int = 0,
        latency_ms: float | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Appends to the journal: `attempt` (a mail was offered to the hub) or `call` (the hub offered one)."""
        sql = "INSERT INTO entry (at, kind, mail_id, code, latency_ms, detail) VALUES (?, ?, ?, ?, ?, ?)"
        with self._lock:
            self._connection.execute(sql, (at, kind, mail_id, code, latency_ms, json.dumps(detail or {})))

    def entries(self, *, after: int = 0, limit: int = 100, kind: str = "") -> list[dict[str, Any]]:
        """The journal from `after` on, the oldest first."""
        sql = "SELECT * FROM entry WHERE id > ? AND (? = '' OR kind = ?) ORDER BY id LIMIT ?"
        with self._lock:
            rows = self._connection.execute(sql, (after, kind, kind, min(limit, MOST_PER_PAGE))).fetchall()
        return [dict(row) | {"detail": json.loads(row["detail"])} for row in rows]

    def mail(self, mail_id: int) -> KeptMail | None:
        """One mail; None where there is none."""
        with self._lock:
            row = self._connection.execute("SELECT * FROM mail WHERE id = ?", (mail_id,)).fetchone()
        return _mail(row) if row else None

    def changes(self, *, after: int | None, customer: str = "", limit: int = 200, wait: float = 0.0) -> list[KeptMail]:
        """Mails that changed, in the order of their changes.

        Args:
            after: the `changed` of the last one seen; None gives the newest mails, however long ago they changed.
            customer: only of this mailbox; empty for all.
            limit: at most this many.
            wait: seconds to wait for one where there is none.
        """
        mine, values = ("customer = ?", [customer]) if customer else ("1", [])
        limit = min(limit, MOST_PER_PAGE)
        if after is None:
            newest = self._mails(f"{mine} ORDER BY id DESC", values, limit)
            return sorted(newest, key=lambda mail: mail.changed)
        with self._news:
            found: list[KeptMail] = []

            def look() -> bool:
                if not self._closed:
                    found.extend(self._mails(f"{mine} AND changed > ? ORDER BY changed", [*values, after], limit))
                return bool(found) or self._closed

            self._news.wait_for(look, wait)
        return found

    @property
    def last_change(self) -> int:
        """The highest `changed` so far."""
        return self._changes

    def files_of(self, mail_id: int, *, with_content: bool = False) -> list[File]:
        """A mail's files in their order."""
        content = "content" if with_content else "x'' AS content"
        sql = f"SELECT id, name, media_type, content_id, {content} FROM file WHERE mail_id = ? ORDER BY id"  # noqa: S608
        with self._lock:
            return [File(**dict(row)) for row in self._connection.execute(sql, (mail_id,))]

    def file(self, file_id: int) -> File | None:
        """One file with its content."""
        sql = "SELECT id, name, media_type, content_id, content FROM file WHERE id = ?"
        with self._lock:
            row = self._connection.execute(sql, (file_id,)).fetchone()
        return File(**dict(row)) if row else None

    def source(self, mail_id: int) -> bytes | None:
        """A mail's bytes."""
        with self._lock:
            row = self._connection.execute("SELECT raw FROM source WHERE mail_id = ?", (mail_id,)).fetchone()
        return bytes(row[0]) if row else None

    def summary(self) -> dict[str, Any]:
        """What there is: customers' mails by status, the hub's by status, its calls by SMTP code, and `latency_ms`."""
        with self._lock:
            by_status: dict[str, dict[str, int]] = {"customer": {}, "hub": {}}
            for origin, status, count in self._connection.execute(
                "SELECT CASE origin WHEN 'hub' THEN 'hub' ELSE 'customer' END, status, count(*) FROM mail GROUP BY 1, 2"
            ):
                by_status[origin][status] = count
            calls = self._connection.execute("SELECT code, count(*) FROM entry WHERE kind = 'call' GROUP BY 1")
            found = {str(code): count for code, count in calls}
            latencies = [
                row[0]
                for row in self._connection.execute(
                    "SELECT latency_ms FROM mail WHERE status = 'accepted' AND latency_ms IS NOT NULL ORDER BY 1"
                )
            ]
        sent = by_status["customer"]
        return {
            "sent": sum(sent.values()),
            "accepted": sent.get("accepted", 0),
            "waiting": sent.get("sending", 0),
            "failed": sent.get("failed", 0),
            "received": by_status["hub"].get("received", 0),
            "bounced": by_status["hub"].get("bounced", 0),
            "calls": found,
            "latency_ms": {"p50": _quantile(latencies, 0.5), "p99": _quantile(latencies, 0.99)},
        }

    # --- inside ---

    def _thread(self, mail: KeptMail) -> int:
        if not mail.refs:
            return 0
        marks = ", ".join("?" * len(mail.refs))
        sql = f"SELECT thread FROM mail WHERE customer = ? AND message_id IN ({marks}) ORDER BY id DESC LIMIT 1"  # noqa: S608
        row = self._connection.execute(sql, (mail.customer, *mail.refs)).fetchone()
        return int(row[0]) if row else 0

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

    def _mails(self, where: str, values: Sequence[Any], limit: int) -> list[KeptMail]:
        with self._lock:
            rows = self._connection.execute(f"SELECT * FROM mail WHERE {where} LIMIT ?", [*values, limit])  # noqa: S608
            return [_mail(row) for row in rows]

    def _value(self, sql: str) -> int:
        with self._lock:
            return int(self._connection.execute(sql).fetchone()[0])


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
