"""The mailbox over a real IMAP server: everything once, whatever happens between."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from imapclient import IMAPClient

from channels.email import imap
from hub.domain.errors import ChannelError
from tests.fixtures_mail import MemoryLine
from tests.parts import MailServer


def mail(number: int | str, text: str = "hello") -> bytes:
    return (
        f"From: ana@example.org\r\nMessage-ID: <{number}@example.org>\r\nSubject: {number}\r\n\r\n{text}\r\n".encode()
    )


def account(server: MailServer, password: str = "secret") -> imap.ImapAccount:  # noqa: S107  # of a test server
    return imap.ImapAccount(
        "127.0.0.1", server.port, "none", lambda client: client.login("help", password), begin="all", poll=1.0
    )


@contextlib.contextmanager
def listening(where: imap.ImapAccount, line: MemoryLine) -> Iterator[MemoryLine]:
    """Listens in a thread; what ends it is kept in the line's errors."""

    def run() -> None:
        try:
            imap.listen(where, line)
        except ChannelError as error:
            line.failed(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield line
    finally:
        line.stop()
        thread.join(30)
        assert not thread.is_alive()


@contextlib.contextmanager
def other_client(server: MailServer) -> Iterator[IMAPClient]:
    client = IMAPClient("127.0.0.1", port=server.port, ssl=False, timeout=60)
    client.login("help", "secret")
    client.select_folder("INBOX")
    try:
        yield client
    finally:
        client.logout()


def subjects(line: MemoryLine) -> list[str]:
    return [request.body.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for request in line.emitted]


def test_what_is_there_and_what_arrives_is_emitted_in_order(mail_server: MailServer) -> None:
    for number in (1, 2):
        mail_server.deliver(mail(number))
    with listening(account(mail_server), MemoryLine()) as line:
        line.until(lambda: len(line.emitted) == 2)
        line.until(lambda: line.looks >= 1)
        mail_server.deliver(mail(3))
        line.until(lambda: len(line.emitted) == 3)
    assert subjects(line) == ["1", "2", "3"]
    assert line.emitted[0].body == mail(1), "every byte as it lies there"
    assert line.emitted[0].url.startswith("imap://127.0.0.1/INBOX;UIDVALIDITY=")
    assert datetime.fromisoformat(line.emitted[0].headers[imap.ARRIVED]).tzinfo == UTC


def test_after_an_outage_it_goes_on_where_it_was(mail_server: MailServer) -> None:
    mail_server.deliver(mail(1))
    with listening(account(mail_server), MemoryLine()) as line:
        line.until(lambda: len(line.emitted) == 1)
        mail_server.kill()
    assert line.errors, "a lost connection is told, so that it is shown and tried again"
    mail_server.start()
    for number in (2, 3):
        mail_server.deliver(mail(number))
    with listening(account(mail_server), MemoryLine(line.memory)) as again:
        again.until(lambda: len(again.emitted) == 2)
        again.until(lambda: again.looks >= 1)
    assert subjects(again) == ["2", "3"]


def test_other_programs_may_read_flag_and_file_mail(mail_server: MailServer) -> None:
    for number in (1, 2, 3):
        mail_server.deliver(mail(number))
    with other_client(mail_server) as client:
        assert len(client.fetch([1, 2, 3], ["BODY[]"])) == 3  # which marks them as seen
        client.create_folder("Done")
        client.move([2], "Done")
    with listening(account(mail_server), MemoryLine()) as line:
        line.until(lambda: len(line.emitted) == 2)
        line.until(lambda: line.looks >= 1)
    assert subjects(line) == ["1", "3"]
    mail_server.deliver(mail(4))
    with listening(account(mail_server), MemoryLine(line.memory)) as again:
        again.until(lambda: len(again.emitted) == 1)
    with other_client(mail_server) as client:
        flags = client.get_flags([client.search(["SUBJECT", "4"])[0]])
    assert all(b"\\Seen" not in each for each in flags.values()), "it is read without a trace"


def test_several_folders_have_places_of_their_own(mail_server: MailServer) -> None:
    with other_client(mail_server) as client:
        client.create_folder("Done")
    mail_server.deliver(mail(1))
    mail_server.deliver(mail(2), folder="Done")
    both = replace(account(mail_server), folders=("INBOX", "Done"))
    with listening(both, MemoryLine()) as line:
        line.until(lambda: len(line.emitted) == 2)
        line.until(lambda: line.looks >= 1)
        mail_server.deliver(mail(3), folder="Done")
        line.until(lambda: len(line.emitted) == 3)
    assert sorted(subjects(line)) == ["1", "2", "3"]


def test_a_new_inbox_takes_only_what_arrives_from_now_on(mail_server: MailServer) -> None:
    mail_server.deliver(mail("old"))
    with listening(replace(account(mail_server), begin="new"), MemoryLine()) as line:
        line.until(lambda: line.looks >= 1)
        mail_server.deliver(mail("new"))
        line.until(lambda: len(line.emitted) == 1)
    assert subjects(line) == ["new"]


def test_a_mailbox_that_was_rebuilt_is_noticed_and_read_again(mail_server: MailServer) -> None:
    for number in (1, 2):
        mail_server.deliver(mail(number))
    with listening(account(mail_server), MemoryLine()) as line:
        line.until(lambda: len(line.emitted) == 2)
    before = imap.read_memory(line.memory)["INBOX"]
    mail_server.kill()
    shutil.rmtree(mail_server.folder / "mail" / "help")
    mail_server.start()
    for number in (2, 3):  # restored from a backup, one short and one new
        mail_server.deliver(mail(number))
    # Dovecot makes its numbers of the second; another one is certain only by saying so.
    places = imap.read_memory(line.memory)
    places["INBOX"].validity = before.validity - 1
    with listening(account(mail_server), MemoryLine(imap.write_memory(places))) as again:
        again.until(lambda: len(again.emitted) == 2)
        again.until(lambda: bool(again.notices))
    assert subjects(again) == ["2", "3"], "what is stored already is recognised by its own id"
    assert "numbered anew" in again.notices[0]


def test_a_wrong_password_is_the_accounts_fault_and_not_told(mail_server: MailServer) -> None:
    with pytest.raises(ChannelError) as refused:
        imap.listen(account(mail_server, "wrong-password"), MemoryLine())
    assert refused.value.account
    assert "wrong-password" not in str(refused.value)


def test_a_server_that_dies_at_the_sign_in_has_refused_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def dies() -> None:
            connection, _ = server.accept()
            with connection, connection.makefile("rwb") as lines:
                lines.write(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
                lines.flush()
                lines.readline()

        dying = threading.Thread(target=dies)
        dying.start()
        where = imap.ImapAccount("127.0.0.1", server.getsockname()[1], "none", lambda client: client.login("a", "b"))
        with pytest.raises(ChannelError) as broken:
            imap.listen(where, MemoryLine())
        dying.join(60)
    assert not broken.value.account, "five minutes' rest are for wrong passwords"


def test_a_server_that_is_not_there_is_told(mail_server: MailServer) -> None:
    mail_server.kill()
    with pytest.raises(ChannelError) as unreachable:
        imap.listen(account(mail_server), MemoryLine())
    assert not unreachable.value.account
    assert str(mail_server.port) in str(unreachable.value)


def test_a_server_that_falls_silent_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "CONNECT_SECONDS", 0.2)  # which covers the greeting
    monkeypatch.setattr(imap, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = imap.ImapAccount("127.0.0.1", silent.getsockname()[1], "none", lambda _: None)
        with pytest.raises(ChannelError, match="no answer in time"):
            imap.listen(where, MemoryLine())


def test_a_mail_that_is_too_large_leaves_its_headers(mail_server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "MAIL_LIMIT", 1000)
    mail_server.deliver(mail("huge", "x" * 2000))
    mail_server.deliver(mail("small"))
    with listening(account(mail_server), MemoryLine()) as line:
        line.until(lambda: len(line.emitted) == 2)
    assert int(line.emitted[0].headers[imap.TOO_LARGE]) > 2000
    assert b"Subject: huge" in line.emitted[0].body
    assert b"xxx" not in line.emitted[0].body
    assert imap.TOO_LARGE not in line.emitted[1].headers
