"""The control API and who may use it; the process that serves it; the ledger that outlives it."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.simulators.__main__ import account_from, number_from
from channels.simulators.ledger import Ledger
from channels.simulators.phones import CUSTOMERS, FIRM_NUMBERS
from channels.simulators.server import is_loopback
from channels.simulators.twilio_account import Number, is_number
from tests import parts
from tests.channels.simulators.conftest import ACCOUNT, CARMEN, OLIVER, SERVICE, SPAIN, UK, World

ROOT = Path(__file__).parents[3]


def test_the_numbers_of_firm_and_customers(world: World) -> None:
    http = world.app.test_client()
    answer = http.post("/control/numbers", json={"number": "+34600111222", "webhook_url": "https://hub.example/x"})
    assert answer.status_code == 201
    listed = http.get("/control/numbers").get_json()
    assert [number["number"] for number in listed["numbers"]] == [SPAIN, UK, "+34600111222"]
    assert listed["numbers"][2]["webhook_url"] == "https://hub.example/x"
    carmen = next(each for each in listed["customers"] if each["number"] == CARMEN)
    assert (carmen["name"], carmen["language"], carmen["country"], carmen["blocked"]) == (
        "Carmen Ortega",
        "es",
        "ES",
        [],
    )
    world.text("STOP")
    listed = http.get("/control/numbers").get_json()
    assert next(each for each in listed["customers"] if each["number"] == CARMEN)["blocked"] == [SPAIN]


@pytest.mark.parametrize(
    "number", ["+5215512345678", "+551187654321", "+541123456789", "+3961234567", "+390612345678", "+15005550307"]
)
def test_a_phone_may_have_a_number_in_an_old_spelling(world: World, number: str) -> None:
    world.text(**{"from": number})
    assert world.hub.heard[0].form["From"] == number


def test_the_cast_has_possible_numbers_of_many_countries() -> None:
    assert all(is_number(each.number) for each in CUSTOMERS)
    assert all(is_number(number) for number in FIRM_NUMBERS)
    assert len({each.number for each in CUSTOMERS}) == len(CUSTOMERS) >= 10


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("texts", {"from": "611", "to": SPAIN, "body": "x"}, "from"),
        ("texts", {"from": CARMEN, "to": OLIVER, "body": "x"}, "to"),
        ("texts", {"from": CARMEN, "to": SPAIN}, "body"),
        ("texts", {"from": CARMEN, "to": SPAIN, "body": 5}, "body"),
        ("texts", {"from": CARMEN, "to": SPAIN, "body": "x" * 100_001}, "body"),
        ("texts", {"from": CARMEN, "to": SPAIN, "body": "x", "copies": 0}, "copies"),
        ("texts", {"from": CARMEN, "to": SPAIN, "body": "x", "copies": True}, "copies"),
        ("texts", {"from": CARMEN, "to": SPAIN, "body": "x", "wait": 1}, "wait"),
        ("texts", {"from": CARMEN, "to": SPAIN, "body": "x", "colour": "red"}, "colour"),
        ("texts", {"from": CARMEN, "to": SPAIN, "media": {}}, "media"),
        ("texts", {"from": CARMEN, "to": SPAIN, "media": [{"media_type": "x"}]}, "media_type"),
        ("texts", {"from": CARMEN, "to": SPAIN, "media": [{"media_type": "a/b"}]}, "content_base64"),
        ("texts", [], "body"),
        ("numbers", {"number": "5", "webhook_url": "https://hub.example"}, "number"),
        ("numbers", {"number": SPAIN, "webhook_url": "hub.example"}, "webhook_url"),
        ("numbers", {"number": SPAIN}, "webhook_url"),
        ("numbers", {"number": SPAIN, "webhook_url": "https://a.example", "opt_out": "no"}, "opt_out"),
        ("numbers", {"number": SPAIN, "webhook_url": "https://a.example", "body_format": "xml"}, "body_format"),
        ("numbers", {"number": SPAIN, "webhook_url": "https://a.example", "messaging_service_sid": "x"},
         "messaging_service_sid"),
        ("faults", {"where": "nowhere"}, "where"),
        ("faults", {"where": "send", "do": "dance"}, "do"),
        ("faults", {"where": "send", "do": "cut", "seconds": 1}, "seconds"),
        ("faults", {"where": "send", "do": "delay", "seconds": -1}, "seconds"),
        ("faults", {"where": "send", "do": "delay", "seconds": True}, "seconds"),
        ("faults", {"where": "send", "do": "refuse", "status": 200}, "status"),
        ("faults", {"where": "send", "do": "refuse", "times": 0}, "times"),
        ("faults", {"where": "status", "do": "lose", "statuses": "sent"}, "statuses"),
        ("faults", {"where": "send", "do": "cut", "number": 5}, "number"),
        ("faults", {"where": "send", "do": "cut", "what": 5}, "what"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_field(world: World, path: str, body: Any, field: str) -> None:
    answer = world.app.test_client().post(f"/control/{path}", json=body)
    assert (answer.status_code, answer.get_json()["field"]) == (422, field)
    assert world.ledger.listed() == []


@pytest.mark.parametrize("query", ["after=x", "after=-1", "limit=1e3", "after=99999999999999999999"])
def test_bad_cursors_are_refused(world: World, query: str) -> None:
    for path in ("texts", "ledger"):
        assert world.app.test_client().get(f"/control/{path}?{query}").status_code == 422


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_no_other_page_drives_it(world: World, headers: Mapping[str, str], status: int) -> None:
    body = b'{"where": "send", "do": "cut"}'
    wanted = {"Content-Type": "application/json"} | dict(headers)
    answer = world.app.test_client().post("/control/faults", data=body, headers=wanted)
    assert answer.status_code == status
    assert bool(world.twilio.faults.listed()) == (status == 201)


def test_a_foreign_host_name_reads_nothing(world: World) -> None:
    http = world.app.test_client()
    for path in ("/", "/control/numbers", "/control/texts"):
        assert http.get(path, headers={"Host": "evil.example"}).status_code == 421
    assert "Access-Control-Allow-Origin" not in http.get("/control/numbers").headers


def test_a_thread_is_followed_by_its_changes(world: World) -> None:
    http = world.app.test_client()
    picture = {"content_base64": base64.b64encode(b"GIF").decode(), "media_type": "image/gif", "name": "a.gif"}
    world.text("one", media=[picture])
    world.text("of another", **{"from": OLIVER})
    first = http.get("/control/texts", query_string={"number": CARMEN}).get_json()
    (text,) = first["texts"]
    assert (text["body"], text["status"], text["direction"], text["channel"]) == ("one", "received", "inbound", "sms")
    assert text["media"][0]["media_type"] == "image/gif"
    shown = http.get(text["media"][0]["url"])
    assert (shown.data, shown.headers["X-Content-Type-Options"]) == (b"GIF", "nosniff")
    nothing = http.get("/control/texts", query_string={"number": CARMEN, "after": first["after"]}).get_json()
    assert nothing["texts"] == []
    world.client().messages.create(to=CARMEN, from_=SPAIN, body="answer", status_callback=world.callback)
    seen = list[str]()
    after = first["after"]
    while "delivered" not in seen:
        query = {"number": CARMEN, "after": after, "wait": 10}
        page = http.get("/control/texts", query_string=query).get_json()
        assert page["after"] > after
        after = page["after"]
        seen += [text["status"] for text in page["texts"]]
    everything = http.get("/control/texts", query_string={"limit": 2}).get_json()["texts"]
    assert [text["body"] for text in everything] == ["of another", "answer"]


def test_whoever_waits_hears_at_once(world: World) -> None:
    heard: list[Any] = []
    before = world.ledger.last_change or 1
    query = {"after": before, "wait": 20}
    waiting = threading.Thread(
        target=lambda: heard.append(httpx.get(f"{world.url}/control/texts", params=query, timeout=25).json())
    )
    waiting.start()
    while not heard and waiting.is_alive():
        world.text("news", wait=False)
        waiting.join(0.05)
    waiting.join()
    assert heard[0]["texts"][0]["body"] == "news"


def test_the_journal_is_paged(world: World) -> None:
    http = world.app.test_client()
    for number in range(5):
        world.text(str(number))
    found, after = [], 0
    while page := http.get("/control/ledger", query_string={"after": after, "limit": 3}).get_json()["entries"]:
        found += page
        after = page[-1]["id"]
    assert [entry["kind"] for entry in found] == ["text", "webhook"] * 5
    assert [entry["id"] for entry in found] == sorted({entry["id"] for entry in found})
    only = http.get("/control/ledger", query_string={"kind": "webhook"}).get_json()["entries"]
    assert {entry["kind"] for entry in only} == {"webhook"}
    summary = http.get("/control/summary").get_json()
    assert summary["last"] == found[-1]["id"]
    assert summary["texts"]["latency_ms"]["p50"] <= summary["texts"]["latency_ms"]["p99"]
    later = http.get("/control/summary", query_string={"after": summary["last"]}).get_json()
    assert later["texts"] | {"latency_ms": None} == {
        "sent": 0, "accepted": 0, "attempts": 0, "acceptances": 0, "out_of_order": 0, "pairs": 0, "waiting": 0,
        "failed": 0, "latency_ms": None,
    }  # fmt: skip


def test_faults_are_listed_used_up_and_cleared(world: World) -> None:
    http = world.app.test_client()
    world.fault(where="webhook", do="parallel", copies=2, times=2)
    world.fault(where="send", do="refuse", status=429, times=None)
    world.text()
    left = http.get("/control/faults").get_json()
    assert [(fault["do"], fault["times"]) for fault in left["faults"]] == [("parallel", 1), ("refuse", None)]
    assert set(left["menus"]["sms"]) == {"send", "status", "webhook", "media"}
    assert http.delete("/control/faults").get_json() == {"cleared": 2}
    assert http.get("/control/faults").get_json()["faults"] == []


def test_the_ledger_outlives_the_process(tmp_path: Path) -> None:
    secrets = {"CENTRALITA_SIMULATOR_ACCOUNT": ACCOUNT.sid, "CENTRALITA_SIMULATOR_TOKEN": ACCOUNT.token}
    sids = []
    for body in ("one", "two"):
        port = parts.free_port()
        command = [sys.executable, "-m", "channels.simulators", "--port", str(port), "--data", str(tmp_path)]
        command += ["--number", f"{SPAIN}=http://127.0.0.1:9/x"]
        with subprocess.Popen(
            command, cwd=ROOT, env=os.environ | secrets, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            url = f"http://127.0.0.1:{port}"
            assert process.stdout.readline() == f"Simulators answer on {url}\n"
            text = {"from": CARMEN, "to": SPAIN, "body": body}
            sids.append(httpx.post(f"{url}/control/texts", json=text).json()["sid"])
            # A page that waits for news does not hold up the end.
            with socket.create_connection(("127.0.0.1", port)) as page:
                page.sendall(f"GET /control/texts?after=99&wait=20 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
                process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    assert [message.sid for message in ledger.listed()] == sids[::-1]
    assert {message.status for message in ledger.listed()} == {"failed"}  # nobody listened
    assert list(ledger.numbers()) == [SPAIN]
    ledger.close()


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        ({}, "CENTRALITA_SIMULATOR_ACCOUNT"),
        ({"CENTRALITA_SIMULATOR_ACCOUNT": "AC1"}, "CENTRALITA_SIMULATOR_ACCOUNT"),
        ({"CENTRALITA_SIMULATOR_ACCOUNT": ACCOUNT.sid}, "CENTRALITA_SIMULATOR_TOKEN"),
    ],
)
def test_secrets_come_from_the_environment(environment: Mapping[str, str], variable: str) -> None:
    with pytest.raises(ValueError, match=variable):
        account_from(environment)
    command = [sys.executable, "-m", "channels.simulators"]
    ended = subprocess.run(command, cwd=ROOT, env={"PATH": ""} | environment, capture_output=True, text=True)
    assert ended.returncode == 2
    assert variable in ended.stderr


def test_a_network_address_must_be_meant() -> None:
    secrets = {"CENTRALITA_SIMULATOR_ACCOUNT": ACCOUNT.sid, "CENTRALITA_SIMULATOR_TOKEN": ACCOUNT.token}
    command = [sys.executable, "-m", "channels.simulators", "--host", "192.0.2.1"]
    ended = subprocess.run(command, cwd=ROOT, env={"PATH": ""} | secrets, capture_output=True, text=True)
    assert ended.returncode == 2
    assert [host for host in ("127.0.0.1", "::1", "localhost", "192.0.2.1", "hub") if not is_loopback(host)] == [
        "192.0.2.1",
        "hub",
    ]


def test_a_number_on_the_command_line() -> None:
    assert number_from(f"{SPAIN}=http://127.0.0.1:8000/x=1") == Number(SPAIN, "http://127.0.0.1:8000/x=1")
    for wrong in ("34600", SPAIN, f"{SPAIN}=hub", "=http://x"):
        with pytest.raises(ValueError, match="must be NUMBER=ADDRESS"):
            number_from(wrong)


def test_a_shared_key_has_two_parts() -> None:
    secrets = {"CENTRALITA_SIMULATOR_ACCOUNT": ACCOUNT.sid, "CENTRALITA_SIMULATOR_TOKEN": ACCOUNT.token}
    assert account_from(secrets).shared_key is None
    assert account_from(secrets | {"CENTRALITA_SIMULATOR_SHARED_KEY": "id:secret:1"}).shared_key == ("id", "secret:1")


def test_numbers_keep_their_settings_in_the_ledger(world: World) -> None:
    world.number(messaging_service_sid=SERVICE, opt_out="advanced", signing="shared_key", body_format="json")
    assert Number(**world.ledger.numbers()[SPAIN]) == next(n for n in world.twilio.numbers() if n.number == SPAIN)
