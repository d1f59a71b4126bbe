"""A hub of the demo firm in a process of its own, and the simulated providers that its texts and mails go through."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.services import demo
from hub.simulation.hub_api import Login
from scripts.processes import end, start
from tests import parts
from tests.e2e.conftest import ROOT, Running, run_hub

ACCOUNT = "AC" + "a" * 32
TOKEN = "the-token-of-a-simulated-account"
# The provider repeats what the hub could not take.
PATIENT = "#rc=3&rp=5xx,ct,rt"


@dataclass(frozen=True)
class Firm:
    """The demo's hub, with an inbox of every channel."""

    hub: Running
    simulator_url: str

    watcher = Login("admin@demo.example", demo.PASSWORD)
    agent = Login("ben@demo.example", demo.PASSWORD)

    def fault(self, **fault: Any) -> None:
        """Something is to go wrong at the provider."""
        httpx.post(f"{self.simulator_url}/control/faults", json=fault, trust_env=False).raise_for_status()

    def clear_faults(self) -> None:
        httpx.delete(f"{self.simulator_url}/control/faults", trust_env=False).raise_for_status()
        httpx.delete(f"{self.simulator_url}/control/mail/faults", trust_env=False).raise_for_status()


@contextmanager
def run_simulator(folder: Path, port: int, hub_url: str, mail_port: int, hub_mail: str) -> Iterator[str]:
    """The simulated providers; gives their address."""
    environment = {**os.environ, "CENTRALITA_SIMULATOR_ACCOUNT": ACCOUNT, "CENTRALITA_SIMULATOR_TOKEN": TOKEN}
    numbers = [f"--number={number}={hub_url}/webhooks/{demo.SMS_KEY}{PATIENT}" for number in demo.SMS_NUMBERS]
    apps = [f"--app={app}={hub_url}/webhooks/demo-{app}" for app in demo.APPS]
    mail = ["--mail-port", str(mail_port), "--hub-mail", hub_mail]
    arguments = ["-m", "channels.simulators", "--port", str(port), "--data", str(folder), *mail, *numbers, *apps]
    log = folder / "simulator.log"
    process = start([sys.executable, *arguments], log=log, env=environment, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 180
        while True:
            try:
                httpx.get(f"{url}/control/numbers", trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
        yield url
    finally:
        end(process)


@contextmanager
def run_firm(folders: pytest.TempPathFactory, mode: dict[str, str], *, workers: int = 0) -> Iterator[Firm]:
    """Without bot and knowledge base: everybody is handed over, which is an answer too.

    Args:
        folders: for the hub and the simulator.
        mode: the settings that say which database, and who wakes whom.
        workers: how many processes there are besides the one that serves.
    """
    port, simulator_port, mail_port = parts.free_port(), parts.free_port(), parts.free_port()
    hub_mail = f"127.0.0.1:{parts.free_port()}"
    simulator_url = f"http://127.0.0.1:{simulator_port}"
    settings = {
        **mode,
        "CENTRALITA_KNOWLEDGE": "absent",
        "CENTRALITA_SIMULATOR_URL": simulator_url,
        "CENTRALITA_SIMULATOR_ACCOUNT": ACCOUNT,
        "CENTRALITA_SIMULATOR_TOKEN": TOKEN,
        "CENTRALITA_FETCH_ALLOW": f"127.0.0.1:{simulator_port}",
        "CENTRALITA_SIMULATOR_SMTP": f"127.0.0.1:{mail_port}",
        "CENTRALITA_SMTP_LISTEN": hub_mail,
    }
    with run_hub(folders.mktemp("hub"), port, settings, None, workers=workers) as hub:
        folder = folders.mktemp("simulator")
        with run_simulator(folder, simulator_port, hub.url, mail_port, hub_mail) as url:
            yield Firm(hub, url)


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firm]:
    """Embedded: one process, SQLite."""
    with run_firm(tmp_path_factory, {"CENTRALITA_REDIS_URL": ""}) as running:
        yield running


@pytest.fixture
def scaled_firm(
    tmp_path_factory: pytest.TempPathFactory, make_postgres_database: Callable[..., str], fresh_redis_url: str
) -> Iterator[Firm]:
    """Scaled out: PostgreSQL, Redis, a worker."""
    mode = {"CENTRALITA_DATABASE_URL": make_postgres_database(), "CENTRALITA_REDIS_URL": fresh_redis_url}
    with run_firm(tmp_path_factory, mode, workers=1) as running:
        yield running
