"""A mail server of our own (RFC 5321, RFC 2033) for firms that forward: a mail is accepted once it is stored.

It relays nothing: only addresses of inboxes are known here.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

log = logging.getLogger(__name__)

SIZE_LIMIT = 40 * 1024 * 1024
# A mail with thousands of recipients is for one inbox, or a few: the others are somebody else's.
RECIPIENTS = 100
IDLE_SECONDS = 120
WRITERS = 2


@dataclass(frozen=True, slots=True)
class Arrived:
    """A mail as it was handed over. `sender` is the envelope's, `recipient` the inbox's address that it was sent to."""

    recipient: str
    sender: str
    peer: str
    raw: bytes


class Receiver:
    """Listens from `start` to `stop`.

    Args:
        host: where to listen.
        port: 0 takes a free one; `port` then says which.
        knows: whether an address is an inbox's.
        store: stores a mail and returns after the commit. Whatever it raises, the sender is asked to try again.
        protocol: LMTP is for a mail server on the same machine, and has no TLS.
        tls: the certificate for STARTTLS; None offers none.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        knows: Callable[[str], bool],
        store: Callable[[Arrived], None],
        protocol: Literal["smtp", "lmtp"] = "smtp",
        tls: ssl.SSLContext | None = None,
        size_limit: int = SIZE_LIMIT,
    ) -> None:
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix=f"{protocol}-in")
        handler = _Handler(knows, store, self._writers, protocol)
        self._controller = _Controller(handler, host, port, protocol, tls, size_limit)

    @property
    def port(self) -> int:
        """Where it listens, once started."""
        return self._controller.listening_port

    def start(self) -> None:
        """Raises OSError where the port is taken."""
        self._controller.start()

    def stop(self) -> None:
        """Ends the sessions; what is being stored is stored."""
        self._controller.stop()
        self._writers.shutdown()


class _Controller(Controller):
    def __init__(
        self,
        handler: _Handler,
        host: str,
        port: int,
        protocol: str,
        tls: ssl.SSLContext | None,
        size_limit: int,
    ) -> None:
        self._protocol, self._tls, self._size_limit = protocol, tls, size_limit
        super().__init__(handler, hostname=host, port=port, ready_timeout=15)

    def factory(self) -> SMTP:
        served = LMTP if self._protocol == "lmtp" else SMTP
        return served(
            self.handler,
            data_size_limit=self._size_limit,
            tls_context=self._tls,
            enable_SMTPUTF8=True,
            decode_data=False,
            timeout=IDLE_SECONDS,
            ident="Centralita",
        )

    @property
    def listening_port(self) -> int:
        assert isinstance(self.server, asyncio.Server)  # noqa: S101  # started
        return int(self.server.sockets[0].getsockname()[1])

    def _trigger_server(self) -> None:
        """The library's trial connection, to the port that the system chose where none was named."""
        self.port = self.listening_port
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library's


class _Handler:
    def __init__(
        self,
        knows: Callable[[str], bool],
        store: Callable[[Arrived], None],
        writers: ThreadPoolExecutor,
        protocol: str,
    ) -> None:
        self._knows, self._store, self._writers, self._lmtp = knows, store, writers, protocol == "lmtp"

    async def handle_RCPT(  # noqa: N802  # the library's name
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],  # noqa: ARG002
    ) -> str:
        if len(envelope.rcpt_tos) >= RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        known = await self._in_thread(self._knows, address)
        if isinstance(known, Exception):
            return "451 4.3.0 Try again later"
        if not known:
            return "550 5.1.1 No inbox has this address"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        peer = str(session.peer[0]) if isinstance(session.peer, tuple) else ""
        replies = []
        for recipient in envelope.rcpt_tos:
            arrived = Arrived(recipient, (envelope.mail_from or "").strip("<>"), peer, raw)
            failed = await self._in_thread(self._store, arrived)
            if isinstance(failed, Exception):
                log.error("a mail for %s could not be stored", recipient, exc_info=failed)
            replies.append("451 4.3.0 Not stored, try again later" if failed else "250 2.0.0 Stored")
        if self._lmtp:  # one reply for each recipient (RFC 2033 §4.2)
            return "\r\n".join(replies)
        # One reply for all: where one failed all come again, and those that are stored are known by their id.
        return next((reply for reply in replies if reply.startswith("4")), "250 2.0.0 Stored")

    async def _in_thread(self, call: Callable[[Any], Any], argument: Any) -> Any:
        """What a blocking call returns; what it raises as a value."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writers, call, argument)
        except Exception as error:  # the edge of the mail server: whatever it is, the sender is to try again
            return error
