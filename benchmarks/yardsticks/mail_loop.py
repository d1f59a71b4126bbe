"""Mails parsed by the standard library and inserted one by one, each with a commit that waits for the disk."""

from __future__ import annotations

import email
import sqlite3
import time
from collections.abc import Iterable
from email.message import Message
from pathlib import Path


def store(mails: Iterable[bytes], file: Path) -> float:
    """Puts mails into a new database, with the bytes as they came. Returns the seconds that it took."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE mail (message_id TEXT, sender TEXT, subject TEXT, text TEXT, raw BLOB)")
    began = time.perf_counter()
    for raw in mails:
        mail = email.message_from_bytes(raw)
        row = (str(mail["Message-ID"]), str(mail["From"]), str(mail["Subject"]), text(mail), raw)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO mail VALUES (?, ?, ?, ?, ?)", row)
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def text(mail: Message) -> str:
    """The first part that is plain text; empty without one."""
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                return content.decode(part.get_content_charset("utf-8"), "replace")
    return ""
