"""The whole thing: `serve` in a process of its own, the real Rasa, the real models, Chromium."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from bot.server import RasaServer
from channels.simulators.phones import FIRM_NUMBERS
from hub import __main__ as program
from hub import logs
from scripts.processes import end, start
from tests import parts

ROOT = Path(__file__).parents[2]
PATIENCE = 60_000
FIRM = FIRM_NUMBERS[0]
CARLA, AT_HOME = "+34611998877", "611 99 88 77"
AXE = ROOT / "console" / "node_modules" / "axe-core" / "axe.min.js"
BOT_TOKEN = "the token with which the bot's actions call the hub"


@dataclass
class Running:
    """A hub that serves, with its bot."""

    url: str
    environment: dict[str, str]
    rasa: RasaServer | None
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def hang_bot(self) -> None:
        """The bot takes calls and answers none, as a process that is stopped does."""
        assert self.rasa is not None
        os.kill(self.rasa.pids()["rasa"], signal.SIGSTOP)

    def wake_bot(self) -> None:
        assert self.rasa is not None
        os.kill(self.rasa.pids()["rasa"], signal.SIGCONT)

    def wait_until_ready(self, seconds: float = 900) -> None:
        """Until the knowledge base's models are loaded and the bot answers."""
        deadline = time.monotonic() + seconds
        while (health := self.health())["state"] != "ok":
            assert time.monotonic() < deadline, health
            time.sleep(0.2)

    def health(self) -> dict[str, str]:
        with urllib.request.urlopen(f"{self.url}/health", timeout=60) as answer:  # noqa: S310  # our own hub
            found: dict[str, str] = json.loads(answer.read())
        return found

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One of the hub's own commands, with its settings."""
        return subprocess.run(
            [sys.executable, "-m", "hub", *words], env=self.environment, cwd=ROOT, capture_output=True, text=True
        )


def furnish(environment: dict[str, str]) -> None:
    """The commands `migrate` and `seed`, in this process: to start Python with all that they import takes ten times as
    long as what they do."""
    with patch.dict(os.environ, environment, clear=True), patch.object(logs, "begin"):
        for command in ("migrate", "seed"):
            assert program.main([command]) == 0


@contextmanager
def run_hub(
    folder: Path, port: int, settings: dict[str, str], rasa: RasaServer | None, *, workers: int = 0
) -> Iterator[Running]:
    """Migrates, seeds and serves; ends every process."""
    environment = {
        **os.environ,
        "CENTRALITA_DATA": str(folder),
        "CENTRALITA_PORT": str(port),
        "CENTRALITA_SECRET_KEY": "a key for tests, as long as it must be",
        "CENTRALITA_BOT_TOKEN": BOT_TOKEN,
        "CENTRALITA_BOT": "auto" if rasa else "absent",
        "CENTRALITA_RASA_URL": rasa.url if rasa else "",
        "CENTRALITA_RASA_TOKEN": rasa.token if rasa else "",
        **settings,
    }
    running = Running(f"http://127.0.0.1:{port}", environment, rasa)
    furnish(environment)
    try:
        for number, command in enumerate(["serve", *["worker"] * workers]):
            log = folder / f"{command}-{number}.log"
            running.processes.append(start([sys.executable, "-m", "hub", command], log=log, env=environment, cwd=ROOT))
        deadline = time.monotonic() + 180
        while True:
            try:
                running.health()
                break
            except OSError:
                assert time.monotonic() < deadline, (folder / "serve-0.log").read_text()
                time.sleep(0.1)
        yield running
    finally:
        for process in running.processes:
            end(process)


@pytest.fixture(scope="session")
def console() -> Path:
    """The built console. Building is `make test`'s work."""
    built = ROOT / "console" / "dist"
    if not (built / "inbox" / "index.html").exists():
        parts.missing("console", "run `make console`")
    return built


@pytest.fixture(scope="module")
def hub_with_bot(
    tmp_path_factory: pytest.TempPathFactory, start_rasa: Callable[..., RasaServer], console: Path
) -> Iterator[Running]:
    """Embedded: one process, SQLite, the default models, a Rasa server of its own."""
    del console
    port = parts.free_port()
    rasa = start_rasa(f"http://127.0.0.1:{port}", BOT_TOKEN)
    with run_hub(tmp_path_factory.mktemp("hub"), port, {"CENTRALITA_REDIS_URL": ""}, rasa) as running:
        running.wait_until_ready()
        yield running


@dataclass
class Phones:
    """The customers' phones: the simulated provider, by its control API."""

    url: str

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        address = f"{self.url}/control/{path}"
        answer = httpx.get(address, timeout=60) if body is None else httpx.post(address, json=body, timeout=60)
        return answer.raise_for_status().json()

    def text(self, body: str, number: str = CARLA, media: list[dict[str, str]] | None = None) -> None:
        """A customer texts the firm, who has it when this returns."""
        answer = self.call("texts", {"from": number, "to": FIRM, "body": body, "media": media or []})
        assert answer["delivered"], answer

    def got(self, body: str, number: str = CARLA, seconds: float = 60) -> dict[str, Any]:
        """The firm's text with this body, once the customer has it."""
        deadline = time.monotonic() + seconds
        after = 0
        while time.monotonic() < deadline:
            page = self.call(f"texts?number={number.replace('+', '%2B')}&after={after}&wait=5")
            for each in page["texts"]:
                if each["body"] == body and each["from"] != number:
                    found: dict[str, Any] = each
                    return found
            after = page["after"]
        raise AssertionError(f"{number} never got {body!r}")


@pytest.fixture(scope="session")
def firm(tmp_path_factory: pytest.TempPathFactory, console: Path) -> Iterator[tuple[Running, Phones]]:
    """The demo firm with a number and a mailbox, and neither bot nor knowledge base: people answer."""
    del console
    folder = tmp_path_factory.mktemp("firm")
    hub_port, port, mail_port, listen_port = (parts.free_port() for _ in range(4))
    told = {
        "CENTRALITA_SIMULATOR_URL": f"http://127.0.0.1:{port}",
        "CENTRALITA_SIMULATOR_ACCOUNT": f"AC{secrets.token_hex(16)}",
        "CENTRALITA_SIMULATOR_TOKEN": secrets.token_hex(16),
        "CENTRALITA_FETCH_ALLOW": f"127.0.0.1:{port}",
        "CENTRALITA_SIMULATOR_SMTP": f"127.0.0.1:{mail_port}",
        "CENTRALITA_SMTP_LISTEN": f"127.0.0.1:{listen_port}",
        "CENTRALITA_REDIS_URL": "",
        "CENTRALITA_KNOWLEDGE": "absent",
    }
    number = f"--number={FIRM}=http://127.0.0.1:{hub_port}/webhooks/demo-sms"
    mail = ["--mail-port", str(mail_port), "--hub-mail", f"127.0.0.1:{listen_port}"]
    command = [sys.executable, "-m", "channels.simulators", "--port", str(port), *mail, number]
    with run_hub(folder, hub_port, told, None) as running:
        log = folder / "simulator.log"
        simulator = start(command, log=log, env=running.environment, cwd=ROOT)
        try:
            phones = Phones(told["CENTRALITA_SIMULATOR_URL"])
            deadline = time.monotonic() + 180
            while True:
                try:
                    phones.call("numbers")
                    break
                except httpx.TransportError:
                    assert time.monotonic() < deadline, log.read_text()
                    time.sleep(0.1)
            yield running, phones
        finally:
            end(simulator)


@pytest.fixture(scope="module")
def desk(browser: Browser, firm: tuple[Running, Phones]) -> Iterator[Page]:
    """A supervisor, signed in."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.goto(f"{firm[0].url}/inbox/")
    page.locator("input[type=email]").fill("sofia@demo.example")
    page.locator("input[type=password]").fill("centralita")
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation").first).to_be_visible(timeout=PATIENCE)
    if page.get_by_role("link", name=re.compile("^Cola")).count():
        page.evaluate("localStorage.setItem('centralita.language', 'en')")
        page.reload()
    yield page
    context.close()


# What comes in half transparent has less contrast until it is there. What never ends is not waited for.
_STAND_STILL = """async () => {
  const ends = document.getAnimations().filter(each => each.effect?.getComputedTiming().endTime < Infinity)
  await Promise.allSettled(ends.map(each => each.finished))
}"""


def violations(page: Page) -> list[str]:
    """What axe-core says of WCAG 2.2 AA, each with the first place."""
    page.evaluate(AXE.read_text())
    page.evaluate(_STAND_STILL)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    done = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
    return [
        f"{each['id']}: {each['nodes'][0]['html']} {each['nodes'][0]['failureSummary']}" for each in done["violations"]
    ]
