"""docs/adding-a-channel.md, followed word by word: written, installed, proved, and used in a hub that runs."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hub.testing.provider import Answer, Provider
from tests import parts
from tests.channels.outside import page
from tests.e2e.conftest import Running, run_hub

ROOT = Path(__file__).parents[3]
PATIENCE = 60.0


def in_its_environment(site: Path) -> dict[str, str]:
    """As after `source .venv/bin/activate`, with the installed package on the path."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": programs, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which the page's package was installed, by the page's command and with no network."""
    folder = tmp_path_factory.mktemp("outside")
    page.write(folder, page.files())
    (install,) = (command for command in page.commands() if command.startswith("pip install"))
    arguments = install.split()[2:]
    offline = ["--no-index", "--no-build-isolation", "--no-deps", "--target", str(folder / "site")]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", *offline, *arguments],
        cwd=folder, capture_output=True, text=True, env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def test_the_kit_says_what_the_page_shows(site: Path) -> None:
    (command,) = (each for each in page.commands() if "hub.testing" in each)
    done = subprocess.run(
        ["bash", "-c", command], env=in_its_environment(site), capture_output=True, text=True, cwd=site.parent
    )
    assert done.returncode == 0, done.stdout + done.stderr

    def timeless(text: str) -> str:
        return re.sub(r"in [0-9.]+ s\b", "in … s", text)

    assert timeless(done.stdout) == timeless(page.output())


# --- a hub that runs --------------------------------------------------------------------------------------------------


def takes(card_id: str) -> Answer:
    return Answer(201, {"Content-Type": "application/json"}, json.dumps({"id": card_id}).encode())


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as printing:
        printing.answer = takes("out-0")
        yield printing


@pytest.fixture(scope="module")
def running(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = {
        "CENTRALITA_REDIS_URL": "",
        "CENTRALITA_KNOWLEDGE": "absent",
        **{name: value for name, value in in_its_environment(site).items() if name in ("PATH", "PYTHONPATH")},
    }
    with run_hub(tmp_path_factory.mktemp("hub"), parts.free_port(), settings, None) as hub:
        yield hub


def connect(running: Running, arguments: str) -> subprocess.CompletedProcess[str]:
    """The page's command with more arguments."""
    (command,) = (each for each in page.commands() if "centralita connect" in each)
    shell = ["bash", "-c", f"{command} {arguments}"]
    return subprocess.run(shell, env=running.environment, capture_output=True, text=True)


def test_a_card_becomes_a_conversation_and_its_answer_a_card(site: Path, running: Running, provider: Provider) -> None:
    done = connect(running, f"""--settings '{{"url": "{provider.url}"}}'""")
    assert done.returncode == 0, done.stderr
    address = done.stdout.split()[-1]
    assert address.startswith(f"{running.url}/webhooks/")

    with httpx.Client(base_url=running.url, timeout=PATIENCE) as agent:
        token = agent.post("/api/v1/session", json={"email": "ana@demo.example", "password": "centralita"}).json()[
            "csrf_token"
        ]
        agent.headers["X-CSRF-Token"] = token
        payloads = site / "centralita_postcard" / "payloads"
        assert httpx.post(address, content=(payloads / "text.json").read_bytes()).status_code == 401
        assert post(address, (payloads / "text.json").read_bytes()).status_code == 200
        found = agent.get("/api/v1/conversations", params={"view": "all"}).raise_for_status().json()["items"]
        (conversation,) = (each for each in found if each["channel"] == "postcard")
        thread = f"/api/v1/conversations/{conversation['id']}/messages"
        (said,) = (each for each in agent.get(thread).json()["items"] if each["kind"] == "incoming")
        assert said["text"] == "¿Dónde está mi pedido?"

        assert "colleague" in provider.wait(1, PATIENCE).json["text"], "no bot: the customer is told of the queue first"
        provider.answer = takes("out-1")
        answer = {"client_id": "answer-1", "kind": "reply", "text": "Va de camino."}
        sent = agent.post(thread, json=answer).raise_for_status().json()
        card = provider.wait(2, PATIENCE)
        assert (card.path, card.json) == ("/cards", {"to": "calle-mayor-7", "text": "Va de camino."})
        assert card.headers["idempotency-key"] == sent["id"]
        wait_for_state(agent, thread, sent["id"], "sent")
        assert post(address, (payloads / "report-delivered.json").read_bytes()).status_code == 200
        wait_for_state(agent, thread, sent["id"], "delivered")


def post(address: str, body: bytes) -> httpx.Response:
    """As Postcard's servers do it."""
    signature = hmac.new(b"a-key-to-sign-webhooks", body, hashlib.sha256).hexdigest()
    return httpx.post(address, content=body, headers={"X-Postcard-Signature": signature})


def wait_for_state(agent: httpx.Client, thread: str, message_id: str, state: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        (found,) = (each for each in agent.get(thread).json()["items"] if each["id"] == message_id)
        if found["delivery"]["state"] == state:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
