"""Tokens from a provider's token endpoint, played by a small server, and a real IMAP server that asks it about them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from imapclient import IMAPClient

from channels.email import imap, oauth
from hub.domain.errors import ChannelError
from hub.testing.fakes import ManualClock
from tests.fixtures_mail import MemoryLine
from tests.parts import run_dovecot

HOUR = 3600 * oauth.SECOND


@dataclass
class TokenServer:
    """Plays `/token` (RFC 6749) and `/introspect` (RFC 7662). Refresh tokens are good once where `rotates`."""

    refresh_tokens: set[str] = field(default_factory=lambda: {"refresh-0"})
    good: set[str] = field(default_factory=set)
    asked: list[dict[str, str]] = field(default_factory=list)
    rotates: bool = False
    answer: tuple[int, str] | None = None
    url: str = ""

    def token(self, form: dict[str, str]) -> tuple[int, str]:
        self.asked.append(form)
        if self.answer:
            return self.answer
        if form["refresh_token"] not in self.refresh_tokens:
            return 400, json.dumps({"error": "invalid_grant", "error_description": "consent was withdrawn"})
        number = len(self.asked)
        self.good.add(f"access-{number}")
        told: dict[str, object] = {"access_token": f"access-{number}", "expires_in": 3600, "token_type": "Bearer"}
        if self.rotates:
            self.refresh_tokens = {f"refresh-{number}"}
            told["refresh_token"] = f"refresh-{number}"
        return 200, json.dumps(told)

    def introspect(self, form: dict[str, str]) -> tuple[int, str]:
        return 200, json.dumps({"active": form["token"] in self.good, "username": "help"})


@pytest.fixture
def server() -> Iterator[TokenServer]:
    played = TokenServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            status, text = (played.token if self.path == "/token" else played.introspect)(form)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        played.url = f"http://127.0.0.1:{http.server_address[1]}"
        yield played
        http.shutdown()


def tokens(server: TokenServer, clock: ManualClock, kept: list[str] | None = None) -> oauth.Tokens:
    keep = (kept if kept is not None else []).append
    return oauth.Tokens(f"{server.url}/token", "client", "secret-of-client", "refresh-0", "mail", clock, keep)


def test_a_token_is_kept_while_it_lasts(server: TokenServer) -> None:
    clock = ManualClock()
    ours = tokens(server, clock)
    assert ours.access_token() == ours.access_token() == "access-1"
    clock.pass_time(HOUR - oauth.MARGIN + oauth.SECOND)
    assert ours.access_token() == "access-2", "before it ends, not after"
    assert server.asked[0] == {
        "grant_type": "refresh_token",
        "client_id": "client",
        "client_secret": "secret-of-client",
        "refresh_token": "refresh-0",
        "scope": "mail",
    }


def test_a_new_refresh_token_is_used_at_once_and_kept_once_a_day(server: TokenServer) -> None:
    server.rotates = True
    clock, kept = ManualClock(), list[str]()
    ours = tokens(server, clock, kept)
    for _ in range(3):
        ours.access_token()
        clock.pass_time(HOUR)
    assert kept == ["refresh-1"]
    clock.pass_time(24 * HOUR)
    ours.access_token()
    assert kept == ["refresh-1", "refresh-4"]


@pytest.mark.parametrize(
    ("answer", "account"),
    [
        ((400, '{"error": "invalid_grant", "error_description": "consent was withdrawn"}'), True),
        ((401, '{"error": "invalid_client"}'), True),
        ((200, "no json"), True),
        ((200, '["a list"]'), True),
        ((503, "down"), False),
        ((429, "slower"), False),
    ],
)
def test_what_the_provider_refuses_is_told_from_what_passes(
    server: TokenServer, answer: tuple[int, str], account: bool
) -> None:
    server.answer = answer
    with pytest.raises(ChannelError) as refused:
        tokens(server, ManualClock()).access_token()
    assert refused.value.account is account
    assert "secret-of-client" not in str(refused.value)
    assert "refresh-0" not in str(refused.value)


def test_secrets_are_not_shown(server: TokenServer) -> None:
    ours = tokens(server, ManualClock())
    ours.access_token()
    shown = repr(ours)
    assert not any(secret in shown for secret in ("secret-of-client", "refresh-0", "access-1"))


def test_a_mailbox_is_read_with_a_token_and_refused_without_a_good_one(server: TokenServer) -> None:
    ours = tokens(server, ManualClock())

    def sign_in(client: IMAPClient) -> None:
        client.oauth2_login("help", ours.access_token())

    with run_dovecot(f"{server.url}/introspect") as mail_server:
        account = imap.ImapAccount("127.0.0.1", mail_server.port, "none", sign_in, begin="all")
        with imap.connect(account) as client:
            assert client.select_folder("INBOX", readonly=True)[b"EXISTS"] == 0
        server.good.clear()  # the provider has ended the session
        with pytest.raises(ChannelError) as refused:
            imap.listen(account, MemoryLine())
        assert refused.value.account
        ours.forget()
        with imap.connect(account):
            assert len(server.asked) == 2
