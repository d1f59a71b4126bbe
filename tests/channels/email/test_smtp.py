"""Handing mail in, to a real SMTP server that refuses on demand."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from channels.email import smtp
from hub.domain.errors import ChannelError

MAIL = b"From: help@lumbre.example\r\nTo: ana@example.org\r\nSubject: Yes\r\n\r\n.a dot\r\n..two\r\nend\r\n"


class Post:
    """Takes mail; `refuse` holds the reply to a command of that name instead."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.refuse: dict[str, str] = {}

    async def handle_MAIL(  # noqa: N802  # the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.refuse.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" in self.refuse:
            return self.refuse["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if "DATA" in self.refuse:
            return self.refuse["DATA"]
        self.taken.append(envelope)
        return "250 queued as 1234"


@pytest.fixture
def post() -> Post:
    return Post()


def sign_in(_server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: object) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=data.password == b"right", handled=False)


@pytest.fixture
def account(post: Post) -> Iterator[smtp.SmtpAccount]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(
        post, hostname="127.0.0.1", port=port, authenticator=sign_in, auth_require_tls=False, enable_SMTPUTF8=True
    )
    controller.start()
    yield smtp.SmtpAccount("127.0.0.1", port, "none")
    controller.stop()


def send(account: smtp.SmtpAccount, recipient: str = "ana@example.org") -> str:
    return smtp.send(account, MAIL, sender="help@lumbre.example", recipients=[recipient])


def test_every_byte_arrives_and_the_envelope_is_ours(post: Post, account: smtp.SmtpAccount) -> None:
    assert "1234" in send(account)
    (taken,) = post.taken
    assert taken.content == MAIL
    assert (taken.mail_from, taken.rcpt_tos) == ("help@lumbre.example", ["ana@example.org"])


def test_addresses_beyond_ascii_are_announced(post: Post, account: smtp.SmtpAccount) -> None:
    send(account, "añá@example.org")
    assert "SMTPUTF8" in post.taken[0].mail_options


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(
    ("reply", "permanent"),
    [("550 no such mailbox", True), ("554 spam", True), ("452 full", False), ("421 later", False)],
)
def test_replies_say_whether_trying_again_helps(
    post: Post, account: smtp.SmtpAccount, command: str, reply: str, permanent: bool
) -> None:
    post.refuse[command] = reply
    with pytest.raises(ChannelError) as refused:
        send(account)
    assert refused.value.code == reply[:3]
    assert (refused.value.permanent, refused.value.account, refused.value.unknown) == (permanent, False, False)
    assert post.taken == []


def test_a_wrong_password_is_the_accounts_fault_and_not_told(account: smtp.SmtpAccount) -> None:
    wrong = smtp.SmtpAccount(account.host, account.port, "none", lambda client: client.login("help", "wrong"))
    with pytest.raises(ChannelError) as refused:
        send(wrong)
    assert refused.value.account
    assert "wrong" not in str(refused.value)
    right = smtp.SmtpAccount(account.host, account.port, "none", lambda client: client.login("help", "right"))
    assert send(right)


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(ChannelError) as unreachable:
        send(smtp.SmtpAccount("127.0.0.1", 1, "none"))
    assert (unreachable.value.permanent, unreachable.value.unknown) == (False, False)


def test_a_connection_that_breaks_after_the_mail_leaves_the_outcome_unknown() -> None:
    """A server of our own making that takes the mail and hangs up before its answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                connection.sendall(b"220 here\r\n")
                for line in lines:
                    if line.upper().startswith(b"DATA"):
                        connection.sendall(b"354 go on\r\n")
                        while next(lines) != b".\r\n":
                            pass
                        return
                    connection.sendall(b"250 fine\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ChannelError) as lost:
            send(smtp.SmtpAccount("127.0.0.1", listener.getsockname()[1], "none"))
        thread.join(60)
    assert lost.value.unknown
