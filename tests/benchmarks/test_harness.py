"""The harness is honest: it counts right, refuses runs that lost something, and measures under equal settings."""

from __future__ import annotations

import importlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from gunicorn.workers.gthread import ThreadWorker
from twilio.request_validator import RequestValidator

from benchmarks import __main__ as program
from benchmarks import bot_overhead, harness, ingest_sqlite, mail
from benchmarks.harness import Context, Load, load, percentile
from benchmarks.yardsticks import serve as yardstick
from hub.web import server as hub_server
from tests import parts

# What the hub's server does at its end, and beside serving; a yardstick has nothing to close or to tell.
ENDING = {"graceful_timeout", "post_worker_init", "worker_exit"}


def test_yardsticks_are_served_as_the_hub_is(monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[Any] = []
    monkeypatch.setattr(hub_server.Gunicorn, "run", lambda self: run.append(self))
    hub_server.serve(host="127.0.0.1", port=8123, threads=192, start=lambda: pytest.fail("nothing is to be started"))
    (hub,) = run
    bare = yardstick.Yardstick("plain", 8123, 192)
    differing = {
        name for name, setting in hub.cfg.settings.items() if setting.get() != bare.cfg.settings[name].get()
    } - ENDING
    assert differing <= {"worker_class"}
    assert bare.cfg.worker_class is ThreadWorker
    # The hub's worker is that one too, but for its end and for its core.
    own = {name for each in hub.cfg.worker_class.__mro__ for name in vars(each) if each.__module__.startswith("hub.")}
    assert issubclass(hub.cfg.worker_class, ThreadWorker)
    assert {name for name in own if not name.startswith("__")} == {"handle_exit", "handle_quit", "init_process"}


@pytest.mark.parametrize("one_core", [False, True])
def test_a_yardstick_runs_where_it_is_told(tmp_path: Path, one_core: bool) -> None:
    before = set(harness.children(os.getpid()))
    with harness.yardstick("plain", tmp_path, 66, one_core=one_core):
        *_, serving = (each for each in harness.children(os.getpid()) if each not in before)
        threads = [int(each.name) for each in Path(f"/proc/{serving}/task").iterdir()]
        cores = set.union(*(os.sched_getaffinity(each) for each in threads))
    assert len(cores) == (1 if one_core else len(os.sched_getaffinity(0)))


class Answers(BaseHTTPRequestHandler):
    """The status that the path names; `/close/…` ends the connection with it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(int(self.path.rpartition("/")[2]))
        body = b"x" * 3000
        self.send_header("Content-Length", str(len(body)))
        if self.path.startswith("/close/"):
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    """Where `Answers` serves."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_load_counts_every_answer_by_its_status(address: str) -> None:
    paths = ["/200"] * 30 + ["/503"] * 7 + ["/close/200"] * 5 + ["/close/429"] * 2
    result = load(address, [f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths], connections=4)
    assert result.statuses == {200: 35, 503: 7, 429: 2}
    assert len(result.times) == len(paths)
    assert all(0 < each <= result.seconds * 1000 for each in result.times)
    assert result.rate == 35 / result.seconds  # a refusal is no throughput


def test_percentile_is_the_nearest_rank() -> None:
    values = [float(each) for each in range(100, 0, -1)]
    assert percentile(values, 0.5) == 51
    assert percentile(values, 0.99) == 100
    assert percentile(values, 1.0) == 100
    assert percentile([7.0], 0.99) == 7


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a database as a run leaves it: three messages came, all rows of the outbox are finished."""
    with sqlite3.connect(tmp_path / "centralita.sqlite3") as connection:
        connection.execute("CREATE TABLE message (kind TEXT, state TEXT, provider_id TEXT)")
        connection.execute("CREATE TABLE outbox (state TEXT)")
        messages = [("incoming", "delivered", None)] * 3 + [
            ("outgoing", "sent", None),
            ("outgoing", "delivered", "SM1"),
        ]
        connection.executemany("INSERT INTO message VALUES (?, ?, ?)", messages)
        connection.executemany("INSERT INTO outbox VALUES (?)", [("done",), ("dead",)])
    connection.close()
    return tmp_path


def answered(statuses: dict[int, int]) -> Load:
    return Load(statuses, 1.0, [1.0])


def test_a_whole_run_counts(folder: Path) -> None:
    ingest_sqlite.counts(folder, 0, answered({200: 3}))
    ingest_sqlite.counts(folder, 1, answered({200: 2}))


@pytest.mark.parametrize("acknowledged", [2, 4])
def test_a_run_with_other_rows_than_acknowledged_is_refused(folder: Path, acknowledged: int) -> None:
    with pytest.raises(ValueError, match=f"{acknowledged} messages were acknowledged and 3 stored"):
        ingest_sqlite.counts(folder, 0, answered({200: acknowledged}))


@pytest.mark.parametrize("statuses", [{200: 3, 503: 1}, {500: 3}, {}])
def test_a_run_with_another_answer_than_200_is_refused(folder: Path, statuses: dict[int, int]) -> None:
    with pytest.raises(ValueError, match="not every message was taken"):
        ingest_sqlite.counts(folder, 0, answered(statuses))


def test_a_run_that_leaves_work_behind_is_refused(folder: Path) -> None:
    with sqlite3.connect(folder / "centralita.sqlite3") as connection:
        connection.execute("INSERT INTO outbox VALUES ('pending')")
    connection.close()
    with pytest.raises(TimeoutError, match="did not drain"):
        ingest_sqlite.drained(folder, seconds=0.2)


def test_a_run_begins_when_the_provider_has_reported_on_all_that_went_by_it(folder: Path) -> None:
    ingest_sqlite.settled(folder, seconds=0.2)
    with sqlite3.connect(folder / "centralita.sqlite3") as connection:
        connection.execute("UPDATE message SET state = 'sent' WHERE provider_id = 'SM1'")
    connection.close()
    with pytest.raises(TimeoutError, match="did not report"):
        ingest_sqlite.settled(folder, seconds=0.2)


def test_a_run_without_a_wait_for_the_disk_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ingest_sqlite.synchronous(folder) == 2
    make = ingest_sqlite.sqlite_engine

    def careless(path: str, *, writing: bool) -> Any:
        engine = make(path, writing=writing)
        connect = engine.raw_connection

        def lowered() -> Any:
            connection = connect()
            connection.cursor().execute("PRAGMA synchronous=NORMAL")
            return connection

        return SimpleNamespace(raw_connection=lowered, dispose=engine.dispose)

    monkeypatch.setattr(ingest_sqlite, "sqlite_engine", careless)
    with pytest.raises(ValueError, match="synchronous reads 1"):
        ingest_sqlite.counts(folder, 0, answered({200: 3}))


def test_each_text_is_signed_as_twilio_does_and_is_a_message_of_its_own() -> None:
    webhook = "http://127.0.0.1:8123/webhooks/a-key"
    sids, senders = set(), set()
    for request in ingest_sqlite.requests(webhook, range(5, 11), customers=4):
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ") for line in lines)
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
        assert first == "POST /webhooks/a-key HTTP/1.1"
        assert int(headers["Content-Length"]) == len(body)
        assert RequestValidator(ingest_sqlite.TOKEN).validate(webhook, fields, headers["X-Twilio-Signature"])
        sids.add(fields["MessageSid"])
        senders.add(fields["From"])
    assert len(sids) == 6
    assert len(senders) == 4


@pytest.fixture
def mailbox(tmp_path: Path) -> Path:
    """With what a run of two mails leaves: one conversation, two sources, nothing waiting."""
    with sqlite3.connect(tmp_path / "centralita.sqlite3") as connection:
        connection.executescript("""
            CREATE TABLE inbox (id TEXT, channel TEXT);
            INSERT INTO inbox VALUES ('m', 'email'), ('w', 'webchat');
            CREATE TABLE message (kind TEXT, inbox_id TEXT, conversation_id TEXT);
            INSERT INTO message VALUES ('incoming', 'm', 'c'), ('incoming', 'm', 'c'), ('incoming', 'w', 'd');
            CREATE TABLE source (state TEXT);
            INSERT INTO source VALUES ('stored'), ('stored');
            CREATE TABLE outbox (state TEXT);
        """)
    connection.close()
    sources = tmp_path / "files" / "sources"
    sources.mkdir(parents=True)
    for name in ("one", "two"):
        (sources / name).write_bytes(b"From: x")
    return tmp_path


def test_mails_count_that_are_in_where_they_belong(mailbox: Path) -> None:
    mail.counts(mailbox, 2)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ("DELETE FROM message WHERE rowid = 1", "1 in messages"),
        ("UPDATE message SET conversation_id = 'e' WHERE rowid = 1", "4 in conversations of two mails"),
        ("UPDATE source SET state = 'refused' WHERE rowid = 1", "1 in sources"),
    ],
)
def test_mails_that_went_wrong_are_refused(mailbox: Path, change: str, wrong: str) -> None:
    with sqlite3.connect(mailbox / "centralita.sqlite3") as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(ValueError, match=wrong):
        mail.counts(mailbox, 2)


def test_a_mail_whose_source_is_gone_is_refused(mailbox: Path) -> None:
    (mailbox / "files" / "sources" / "one").unlink()
    with pytest.raises(ValueError, match="1 in files of sources"):
        mail.counts(mailbox, 2)


def test_every_key_has_its_module_and_its_line_in_the_documentation() -> None:
    for module in set(program.KEYS.values()):
        assert callable(importlib.import_module(f"benchmarks.{module}").run)
    documented = (parts.ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", documented, re.MULTILINE)) == set(program.KEYS)


def test_the_bots_figure_is_not_made_without_rasa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CENTRALITA_RASA_ENV", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="no environment for Rasa"):
        bot_overhead.run(Context(tmp_path, 0.01))


@pytest.mark.timeout(1200)
def test_a_hundredth_of_the_work_runs(tmp_path: Path) -> None:
    if not (parts.ROOT / "console" / "node_modules").exists():
        parts.missing("console", "run `make console`")
    results = tmp_path / "results.json"
    measured = {"ingest_sqlite", "ingest_sqlite_p99", "mail", "widget_loader", "widget_all"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--size", "0.01", "--results", results, *measured - {"ingest_sqlite_p99"}],
        cwd=parts.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(results.read_text())
    assert set(found) == {*measured, "_"}
    assert all(found[key]["value"] > 0 for key in measured)
    assert found["_"]["failed"] == {}
    assert set(found["_"]["not_run"]) == set(program.KEYS) - measured
