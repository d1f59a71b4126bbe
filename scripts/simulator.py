"""The providers' side beside the hub: customers' phones and mailboxes to try it with, on this machine alone.

Standard library only.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from channels.simulators.phones import FIRM_NUMBERS
from scripts.environments import PYTHON
from scripts.steps import RUN, Steps

HOST = "127.0.0.1"  # whoever reaches it can play any customer
DATA = RUN / "simulator"
INBOX_KEY = "demo-sms"  # as hub/services/demo.py makes it
APPS = ("whatsapp", "messenger", "instagram", "telegram", "line", "slack")  # their inboxes are demo-telegram and so on
# Twilio's connection overrides: a text outlives a restart of the hub.
PATIENCE = "#rc=3&rp=5xx,ct,rt"


class Simulator:
    """The process and what the hub is told of it. Its address is known before it runs."""

    def __init__(self, steps: Steps, hub_port: int) -> None:
        self._steps = steps
        self.port = choose_port(hub_port + 1)
        self.url = f"http://{HOST}:{self.port}"
        self.mail_port = choose_port(hub_port + 2)
        self._hub_mail = f"{HOST}:{choose_port(hub_port + 3)}"
        self.account, self._token = account(DATA / "account.json")
        self._process: subprocess.Popen[bytes] | None = None

    def settings(self, settings: Mapping[str, str]) -> dict[str, str]:
        """What the hub is told, beside what `settings` say already."""
        # Where the hub takes mail already, the customers' goes there.
        self._hub_mail = settings.get("CENTRALITA_SMTP_LISTEN") or self._hub_mail
        allowed = [settings.get("CENTRALITA_FETCH_ALLOW", ""), f"{HOST}:{self.port}"]
        return {
            "CENTRALITA_SIMULATOR_URL": self.url,
            "CENTRALITA_SIMULATOR_ACCOUNT": self.account,
            "CENTRALITA_SIMULATOR_TOKEN": self._token,
            "CENTRALITA_SIMULATOR_SMTP": f"{HOST}:{self.mail_port}",
            "CENTRALITA_SMTP_LISTEN": self._hub_mail,
            "CENTRALITA_FETCH_ALLOW": ",".join(filter(None, allowed)),
        }

    def start(self, hub_url: str, settings: Mapping[str, str]) -> None:
        """Start it; `hub_url` is the address that the hub knows itself by, for webhooks are signed with it."""
        numbers = [f"--number={number}={hub_url}/webhooks/{INBOX_KEY}{PATIENCE}" for number in FIRM_NUMBERS]
        where = ["--host", HOST, "--port", str(self.port), "--data", str(DATA)]
        mail = ["--mail-port", str(self.mail_port), "--hub-mail", _reached_at(self._hub_mail)]
        apps = [f"--app={app}={hub_url}/webhooks/demo-{app}" for app in APPS]
        command = [str(PYTHON), "-m", "channels.simulators", *where, *mail, *numbers, *apps]
        self._process = self._steps.children.start(command, RUN / "log" / "simulator.log", settings)

    def stop(self) -> None:
        """Ask it to end; who ends all children waits for it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()


def _reached_at(place: str) -> str:
    """Where a server that listens there is reached from this machine."""
    host, _, port = place.rpartition(":")
    return f"{HOST}:{port}" if host.strip("[]") in ("0.0.0.0", "::") else place  # noqa: S104 - compared, not bound


def choose_port(wanted: int) -> int:
    """The wanted port where nobody listens on it, else a free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except (OSError, OverflowError):
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free")


def account(path: Path) -> tuple[str, str]:
    """The sid and the token of the simulated account, made once and kept where only we may read them."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = {"sid": f"AC{secrets.token_hex(16)}", "token": secrets.token_hex(16)}
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(made, file)
    kept = json.loads(path.read_text())
    return kept["sid"], kept["token"]
