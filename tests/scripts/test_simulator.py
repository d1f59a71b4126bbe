"""The simulated providers beside the hub: their account, their address, their end."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from hub.services import demo
from scripts import simulator
from scripts.simulator import Simulator, account, choose_port
from scripts.steps import Children, Steps
from tests import parts


def test_an_account_is_made_once_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    path = tmp_path / "simulator" / "account.json"
    sid, token = account(path)
    assert sid.startswith("AC")
    assert (len(sid), len(token)) == (34, 32)
    assert account(path) == (sid, token)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert account(tmp_path / "other.json") != (sid, token)


def test_a_taken_port_gives_way_to_a_free_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert choose_port(port) != port
    assert choose_port(port) == port
    assert choose_port(65_536) <= 65_535  # the hub has the last one


def test_the_hub_is_told_where_it_is_and_what_was_allowed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulator, "DATA", tmp_path)
    phones = Simulator(Steps(Children()), parts.free_port())
    told = phones.settings({"CENTRALITA_FETCH_ALLOW": "files.example:443"})
    assert told["CENTRALITA_SIMULATOR_URL"] == f"http://127.0.0.1:{phones.port}"
    assert told["CENTRALITA_FETCH_ALLOW"] == f"files.example:443,127.0.0.1:{phones.port}"
    assert phones.settings({})["CENTRALITA_FETCH_ALLOW"] == f"127.0.0.1:{phones.port}"
    assert (told["CENTRALITA_SIMULATOR_ACCOUNT"], told["CENTRALITA_SIMULATOR_TOKEN"]) == account(
        tmp_path / "account.json"
    )
    assert simulator.INBOX_KEY == demo.SMS_KEY


def test_mail_goes_both_ways_and_to_where_the_hub_takes_it_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulator, "DATA", tmp_path)
    world = Simulator(Steps(Children()), parts.free_port())
    told = world.settings({})
    assert told["CENTRALITA_SIMULATOR_SMTP"] == f"127.0.0.1:{world.mail_port}"
    assert told["CENTRALITA_SMTP_LISTEN"].startswith("127.0.0.1:")
    assert told["CENTRALITA_SMTP_LISTEN"] != told["CENTRALITA_SIMULATOR_SMTP"]
    given = {"CENTRALITA_SMTP_LISTEN": "0.0.0.0:2525"}
    assert world.settings(given)["CENTRALITA_SMTP_LISTEN"] == "0.0.0.0:2525"


def test_its_secrets_are_in_no_argument_and_it_ends_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "DATA", tmp_path)
    monkeypatch.setattr(simulator, "RUN", tmp_path)
    (tmp_path / "log").mkdir()
    children = Children()
    phones = Simulator(Steps(children), parts.free_port())
    try:
        phones.start("http://127.0.0.1:9", phones.settings({}))
        (process,) = children.running()
        arguments = [str(word) for word in process.args]  # type: ignore[union-attr]  # a list, as it was given
        assert not [word for word in arguments if account(tmp_path / "account.json")[1] in word]
        assert (
            f"--number={demo.SMS_NUMBERS[0]}=http://127.0.0.1:9/webhooks/{demo.SMS_KEY}#rc=3&rp=5xx,ct,rt" in arguments
        )
        assert "--mail-port" in arguments
        log = tmp_path / "log" / "simulator.log"
        while "answer" not in log.read_text():
            assert process.poll() is None, log.read_text()
        phones.stop()
        assert process.wait(60) == 0
        phones.stop()  # and again does nothing
    finally:
        children.end_all()
