"""Hands one mail to a submission server (RFC 6409) and tells apart what may be tried again."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hub.domain.errors import ChannelError

Security = Literal["tls", "starttls", "none"]
SECONDS = 30


@dataclass(frozen=True, slots=True)
class SmtpAccount:
    """Where mail is handed in. `sign_in` does so on a greeted connection; None where the server wants none."""

    host: str
    port: int
    security: Security
    sign_in: Callable[[smtplib.SMTP], None] | None = field(default=None, repr=False)


def greet(account: SmtpAccount) -> None:
    """Signs in and leaves again. Raises ChannelError."""
    with _signed_in(account):
        return


def send(account: SmtpAccount, raw: bytes, *, sender: str, recipients: Sequence[str]) -> str:
    """Hands a mail in. Returns the server's last words (they may name its queue id).

    Args:
        account: where to.
        raw: the whole mail, lines ended by CRLF.
        sender: the envelope's address, where bounces go.
        recipients: the envelope's addresses; either all are taken or none.

    Raises ChannelError: `permanent` for 5xx replies, `account` where we are not let in, `unknown` where the connection
    broke after the mail was handed over and before the server said that it has it.
    """
    with _signed_in(account) as client:
        try:
            _envelope(client, raw, sender, recipients)
            code, _ = client.docmd("DATA")
            if code != 354:
                raise _refused(code, _)
        except (OSError, smtplib.SMTPException) as error:
            raise ChannelError("connection", _words(error)) from error
        try:
            client.send(_stuffed(raw))
            code, words = client.getreply()
        except (OSError, smtplib.SMTPException) as error:
            raise ChannelError("no_answer", _words(error), unknown=True) from error
        if code != 250:
            raise _refused(code, words)
        return words.decode("utf-8", "replace")


@contextlib.contextmanager
def _signed_in(account: SmtpAccount) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context()
    try:
        client: smtplib.SMTP = (
            smtplib.SMTP_SSL(account.host, account.port, timeout=SECONDS, context=context)
            if account.security == "tls"
            else smtplib.SMTP(account.host, account.port, timeout=SECONDS)
        )
    except (OSError, smtplib.SMTPException) as error:
        raise ChannelError("unreachable", f"{account.host}:{account.port}: {_words(error)}") from error
    try:
        try:
            _greet(client, account, context)
        except smtplib.SMTPAuthenticationError as error:
            # 454 is a passing failure of the server's (RFC 4954 §6), 535 ours.
            raise ChannelError(str(error.smtp_code), "sign-in refused", account=error.smtp_code >= 500) from error
        except (OSError, smtplib.SMTPException) as error:
            raise ChannelError("connection", _words(error)) from error
        yield client
    finally:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            client.quit()


def _greet(client: smtplib.SMTP, account: SmtpAccount, context: ssl.SSLContext) -> None:
    client.ehlo_or_helo_if_needed()
    if account.security == "starttls":
        client.starttls(context=context)
        client.ehlo()
    if account.sign_in is not None:
        account.sign_in(client)


def _envelope(client: smtplib.SMTP, raw: bytes, sender: str, recipients: Sequence[str]) -> None:
    options = []
    if not all(each.isascii() for each in (sender, *recipients)):
        if not client.has_extn("smtputf8"):
            raise ChannelError("no_smtputf8", "the server takes no addresses beyond ASCII", permanent=True)
        options.append("SMTPUTF8")
    if client.has_extn("8bitmime") and not raw.isascii():
        options.append("BODY=8BITMIME")
    code, words = client.mail(sender, options)
    if code != 250:
        raise _refused(code, words)
    for recipient in recipients:
        code, words = client.rcpt(recipient)
        if code not in (250, 251):
            raise _refused(code, words)


def _refused(code: int, words: bytes) -> ChannelError:
    told = words.decode("utf-8", "replace")[:300]
    # 530 and 535 are about us, every other 5xx about this mail (RFC 5321 §4.2.1, RFC 4954 §6).
    account = code in (530, 535, 538)
    return ChannelError(str(code), told, permanent=500 <= code < 600 and not account, account=account)


def _stuffed(raw: bytes) -> bytes:
    """The mail as DATA wants it: CRLF, a dot before every line that begins with one, and the end (RFC 5321 §4.5.2)."""
    lines = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b"\r\n.\r\n"


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError | socket.timeout):
        return "no answer in time"
    return str(error) or type(error).__name__
