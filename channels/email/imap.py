"""A mailbox over IMAP4rev1 (RFC 3501) with IDLE (RFC 2177): everything that arrives, once, whatever happens between.

What was seen is known by folder, UIDVALIDITY and UID alone: flags are never read nor set (`BODY.PEEK`, folders opened
read-only), so that people and programs may read, flag and file mail in the same mailbox. The memory changes with each
mail, in the transaction that stores it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from hub.domain.errors import ChannelError
from hub.domain.messages import WebhookRequest
from hub.ports import Line, Lying

log = logging.getLogger(__name__)

Security = Literal["tls", "starttls", "none"]
CONNECT_SECONDS, ANSWER_SECONDS = 15, 40
# A connection that died without a word is found out when IDLE is ended: within a minute, answer and all.
IDLE_SECONDS = 20
IDLE_STEP = 1.0
# Larger mails are not taken into memory: their headers are stored with the reason.
MAIL_LIMIT = 40 * 1024 * 1024
ARRIVED, TOO_LARGE = "x-centralita-arrived", "x-centralita-too-large"
_CHUNK = 200
# Mails that are fetched and stored together: whoever else writes waits for so many at most.
TOGETHER, BYTES_TOGETHER = 16, 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ImapAccount:
    """Where a mailbox is and how one gets in.

    `begin`: `new` takes what arrives from the first connection on, `all` what is there already as well. `poll`: seconds
    between looks where the server has no IDLE, and at every folder but the first.
    """

    host: str
    port: int
    security: Security
    sign_in: Callable[[IMAPClient], None] = field(repr=False)
    folders: tuple[str, ...] = ("INBOX",)
    begin: Literal["new", "all"] = "new"
    poll: float = 30.0


@dataclass(slots=True)
class Place:
    """How far a folder has been read: from behind `first`, up to `uid`. `day` is the day of the newest mail seen, for
    when its numbers are made anew."""

    validity: int = 0
    uid: int = 0
    day: str = ""
    first: int = 0


def read_memory(memory: str) -> dict[str, Place]:
    """The places by folder; none where the memory is empty."""
    found: Mapping[str, Mapping[str, Any]] = json.loads(memory)["folders"] if memory else {}
    return {folder: Place(**place) for folder, place in found.items()}


def write_memory(places: Mapping[str, Place]) -> str:
    """The inverse of `read_memory`."""
    return json.dumps({"folders": {name: asdict(each) for name, each in places.items()}}, separators=(",", ":"))


@contextlib.contextmanager
def connect(account: ImapAccount) -> Iterator[IMAPClient]:
    """A signed-in session. Raises ChannelError: `account` where the server does not let us in."""
    context = ssl.create_default_context()
    timeout = SocketTimeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)
    try:
        client = IMAPClient(
            account.host,
            port=account.port,
            ssl=account.security == "tls",
            ssl_context=context if account.security == "tls" else None,
            timeout=timeout,
        )
    except (OSError, IMAPClientError) as error:
        raise ChannelError("unreachable", f"{account.host}:{account.port}: {_words(error)}") from error
    client.normalise_times = False  # times with their zone, as the server writes them
    try:
        try:
            if account.security == "starttls":
                client.starttls(context)
            account.sign_in(client)
        except LoginError as error:
            # The library calls a connection that broke in the middle of it by the same name: that is no refusal.
            if isinstance(error.__context__, IMAPClientAbortError):
                raise ChannelError("connection", _words(error)) from error
            raise ChannelError("sign_in_refused", _words(error), account=True) from error
        yield client
    except (OSError, IMAPClientError) as error:
        raise ChannelError("connection", _words(error)) from error
    finally:
        with contextlib.suppress(OSError, IMAPClientError):
            client.shutdown()


def listen(account: ImapAccount, line: Line) -> None:
    """Emits mail until the line is stopped. Raises ChannelError where the connection fails: call it again."""
    with connect(account) as client:
        session = _Session(account, line, client)
        idles = client.has_capability("IDLE")
        while not line.stopped():
            for folder in account.folders:
                session.catch_up(folder)
            line.seen(notice=session.notice)
            if idles:
                session.idle(account.folders[0])
            else:
                line.wait(account.poll)


def inventory(account: ImapAccount, memory: str) -> Iterator[Lying]:
    """Everything that lies in the account's folders now. Raises ChannelError."""
    places = read_memory(memory)
    with connect(account) as client:
        for folder in account.folders:
            validity = int(client.select_folder(folder, readonly=True)[b"UIDVALIDITY"])
            place = places.get(folder, Place())
            if place.validity != validity:
                place = Place(validity)  # numbered anew since: all of it will be looked at
            uids: list[int] = sorted(client.search(["ALL"]))
            for begin in range(0, len(uids), _CHUNK):
                chunk = uids[begin : begin + _CHUNK]
                told = client.fetch(chunk, ["INTERNALDATE", "RFC822.SIZE", "ENVELOPE"])
                for uid in chunk:
                    if uid in told:
                        yield _lying(_origin(account, folder, validity, uid), place, uid, told[uid])


def _lying(origin: str, place: Place, uid: int, told: Mapping[bytes, Any]) -> Lying:
    envelope = told[b"ENVELOPE"]
    sender = str(envelope.from_[0]) if envelope.from_ else ""
    subject = (envelope.subject or b"").decode("utf-8", "replace")
    where: Literal["before", "read", "waiting"] = (
        "before" if uid <= place.first else "read" if uid <= place.uid else "waiting"
    )
    return Lying(origin, where, told[b"INTERNALDATE"], int(told[b"RFC822.SIZE"]), subject, sender)


def _origin(account: ImapAccount, folder: str, validity: int, uid: int) -> str:
    """Where a mail is, as an address (RFC 5092)."""
    return f"imap://{account.host}/{quote(folder)};UIDVALIDITY={validity}/;UID={uid}"


class _Session:
    """One connection's work."""

    def __init__(self, account: ImapAccount, line: Line, client: IMAPClient) -> None:
        self._account = account
        self._line = line
        self._client = client
        self._places = read_memory(line.memory)
        self.notice = ""

    def catch_up(self, folder: str) -> None:
        """Emits what has arrived in a folder since it was last looked into."""
        selected = self._client.select_folder(folder, readonly=True)
        validity = int(selected[b"UIDVALIDITY"])
        place = self._places.get(folder)
        if place is None:
            newest = int(selected[b"UIDNEXT"]) - 1 if self._account.begin == "new" else 0
            place = self._places[folder] = Place(validity, newest, first=newest)
            self._line.remember(write_memory(self._places))
        if place.validity != validity:
            self._begin_anew(folder, place, validity)
        waiting = self._arrived(place)
        for begin in range(0, len(waiting), _CHUNK):
            chunk = waiting[begin : begin + _CHUNK]
            self._line.seen(behind=len(waiting) - begin, notice=self.notice)
            about = self._client.fetch(chunk, ["RFC822.SIZE", "INTERNALDATE"])
            for group in _groups(chunk, about):
                if self._line.stopped():
                    return
                self._take(folder, place, group, about)

    def _arrived(self, place: Place) -> list[int]:
        """The UIDs behind the place, rising. `n:*` names the last mail even if its UID is below n (RFC 3501 §6.4.8)."""
        found: list[int] = self._client.search(["UID", f"{place.uid + 1}:*"])
        return sorted(uid for uid in found if uid > place.uid)

    def _begin_anew(self, folder: str, place: Place, validity: int) -> None:
        """The provider has numbered the folder's mails anew: everything of the last days is read again. What is stored
        already is known by its own id, so that only what was missed comes in."""
        # By the day alone (RFC 3501 knows no times), and two more for clocks and zones.
        since = datetime.fromisoformat(place.day).date() - timedelta(days=2) if place.day else None
        before: list[int] = self._client.search(["BEFORE", since]) if since else []
        self.notice = f"{folder} was numbered anew by the provider on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        log.warning("%s; it is read again from %s", self.notice, since or "its beginning")
        place.validity = validity
        place.uid = place.first = max(before, default=0)
        self._line.remember(write_memory(self._places))

    def _take(self, folder: str, place: Place, uids: list[int], about: Mapping[int, Mapping[bytes, Any]]) -> None:
        sizes = {uid: int(about[uid][b"RFC822.SIZE"]) for uid in uids if uid in about}
        whole = [uid for uid, size in sizes.items() if size <= MAIL_LIMIT]
        bodies = self._bodies(whole, b"BODY[]") | self._bodies(sizes.keys() - set(whole), b"BODY[HEADER]")
        arrived: list[tuple[WebhookRequest, str]] = []
        for uid in uids:
            place.uid = uid
            if uid not in about:  # somebody moved or deleted it meanwhile
                continue
            at: datetime = about[uid][b"INTERNALDATE"]
            place.day = max(place.day, at.date().isoformat())
            if uid not in bodies:
                continue
            headers = {ARRIVED: at.astimezone(UTC).isoformat()}
            if sizes[uid] > MAIL_LIMIT:
                headers[TOO_LARGE] = str(sizes[uid])
            url = _origin(self._account, folder, place.validity, uid)
            request = WebhookRequest("FETCH", url, headers=headers, body=bodies[uid])
            arrived.append((request, write_memory(self._places)))
        if arrived:
            self._line.emit_all(arrived)
        if self._line.memory != write_memory(self._places):
            self._line.remember(write_memory(self._places))

    def _bodies(self, uids: Collection[int], section: bytes) -> dict[int, bytes]:
        """What is still there of these mails."""
        if not uids:
            return {}
        fetched = self._client.fetch(sorted(uids), [section.replace(b"BODY[", b"BODY.PEEK[")])
        return {uid: fetched[uid][section] for uid in uids if section in fetched.get(uid, {})}

    def idle(self, folder: str) -> None:
        """Waits until something happens in a folder, or so long that the connection should be tried."""
        if len(self._account.folders) > 1:
            self._client.select_folder(folder, readonly=True)
        until = time.monotonic() + min(IDLE_SECONDS, self._account.poll)
        self._client.idle()
        try:
            while not self._line.stopped() and time.monotonic() < until:
                if any(_arrival(told) for told in self._client.idle_check(timeout=IDLE_STEP)):
                    return
        finally:
            # Also the proof that the other side is still there: it has to answer.
            self._client.idle_done()


def _groups(uids: Iterable[int], about: Mapping[int, Mapping[bytes, Any]]) -> Iterator[list[int]]:
    """The same in their order, as many together as the limits allow; a large mail is alone."""
    group: list[int] = []
    held = 0
    for uid in uids:
        size = int(about[uid][b"RFC822.SIZE"]) if uid in about else 0
        if group and (len(group) == TOGETHER or held + size > BYTES_TOGETHER):
            yield group
            group, held = [], 0
        group.append(uid)
        held += size
    if group:
        yield group


def _arrival(told: tuple[Any, ...]) -> bool:
    if told[0] == b"BYE":
        raise ChannelError("connection", "the server said goodbye")
    return len(told) > 1 and told[1] == b"EXISTS"


def _words(error: Exception) -> str:
    """What an administrator can use of an error; a login error may quote the server, never the password."""
    if isinstance(error, TimeoutError | socket.timeout):
        return "no answer in time"
    return str(error) or type(error).__name__
