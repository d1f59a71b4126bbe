"""The whole thing: `serve` in a process of its own, the real Rasa, the real models, Chromium."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.server import RasaServer
from scripts.processes import end, start
from tests import parts

ROOT = Path(__file__).parents[2]
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

    def wait_until_ready(self, seconds: float = 120) -> None:
        """Until the knowledge base's models are loaded and the bot answers."""
        deadline = time.monotonic() + seconds
        while (health := self.health())["state"] != "ok":
            assert time.monotonic() < deadline, health
            time.sleep(0.2)

    def health(self) -> dict[str, str]:
        with urllib.request.urlopen(f"{self.url}/health", timeout=10) as answer:  # noqa: S310  # our own hub
            found: dict[str, str] = json.loads(answer.read())
        return found

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One of the hub's own commands, with its settings."""
        return subprocess.run(
            [sys.executable, "-m", "hub", *words], env=self.environment, cwd=ROOT, capture_output=True, text=True
        )


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
    for command in ("migrate", "seed"):
        done = running.command(command)
        assert done.returncode == 0, done.stderr
    try:
        for number, command in enumerate(["serve", *["worker"] * workers]):
            log = folder / f"{command}-{number}.log"
            running.processes.append(start([sys.executable, "-m", "hub", command], log=log, env=environment, cwd=ROOT))
        deadline = time.monotonic() + 60
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


@pytest.fixture(scope="module")
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
