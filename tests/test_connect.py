"""`centralita connect`: an inbox of an installed channel, or a sentence that says what is missing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest

from hub.__main__ import main
from hub.store.queries import inboxes
from tests.fixtures_hub import World


@pytest.fixture
def connect(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """`connect(arguments, secrets)` gives the exit code and what was printed."""
    monkeypatch.setenv("CENTRALITA_DATABASE_URL", database_url)
    monkeypatch.setenv("CENTRALITA_DATA", str(world.hub.settings.data))
    monkeypatch.setenv("CENTRALITA_SECRET_KEY", "a key for tests that is long enough")
    monkeypatch.setenv("CENTRALITA_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("CENTRALITA_KNOWLEDGE", "absent")

    def run(*arguments: str, secrets: str = "") -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(secrets))
        code = main(["connect", *arguments])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def test_an_inbox_is_connected(world: World, connect: Callable[..., tuple[int, str]]) -> None:
    secret = "a shop's secret of 32 bytes or more"
    code, printed = connect(
        "webchat", "--name", "The shop's", "--team", "First line", "--settings", '{"origins": ["https://a.example"]}',
        secrets=json.dumps({"identity_secret": secret}),
    )  # fmt: skip
    assert code == 0
    assert secret not in printed
    key = printed.split("/webhooks/")[1].strip()
    with world.store.read() as connection:
        inbox = inboxes.by_key(connection, key)
    assert (inbox.name, inbox.channel, inbox.settings) == ("The shop's", "webchat", {"origins": ["https://a.example"]})
    assert json.loads(world.hub.box.open(inbox.sealed_secrets)) == {"identity_secret": secret}
    assert world.hub.channel_of(inbox).capabilities.channel == "webchat"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("arguments", "secrets", "reason"),
    [
        (("webchat", "--team", "First line", "--settings", "[]"), "", "--settings: must be a JSON object"),
        (("webchat", "--team", "First line", "--settings", "{"), "", "--settings: must be JSON"),
        (("webchat", "--team", "First line"), "{", "secrets: must be JSON"),
        (("webchat", "--team", "Nobody"), "", "team: must be the name of a team"),
        (("webchat", "--team", "First line", "--name", " "), "", "name: must not be empty"),
        (("webchat", "--team", "First line"), '{"identity_secret": "short"}', "identity_secret: must have at least 32"),
        (("pigeon", "--team", "First line"), "", "no installed package speaks the channel pigeon"),
    ],
)
def test_an_inbox_that_could_not_work_is_not_connected(
    world: World, connect: Callable[..., tuple[int, str]], arguments: tuple[str, ...], secrets: str, reason: str
) -> None:
    with world.store.read() as connection:
        before = len(inboxes.every(connection))
    code, printed = connect(*arguments, secrets=secrets)
    assert (code, reason in printed) == (2, True), printed
    with world.store.read() as connection:
        assert len(inboxes.every(connection)) == before
