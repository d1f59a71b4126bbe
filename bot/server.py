"""Trains and starts the Rasa server and its action server beside the hub (docs/bot.md). Standard library only.

`make run`, the tests and the benchmarks use it; in a scaled-out installation Rasa runs in containers of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parent / "project"
# Code of the project that a model is trained with; the rest is read when a server starts.
COMPONENTS = ("intent_classifier.py", "intent_model.py", "sentence_models.py")
RESPONSE_TIMEOUT = 4  # seconds, whole ones only: Rasa's own limit, under the client's 4.5
CHANNEL_DEADLINE = 3.8  # seconds, under Rasa's, so that our channel can still say what happened
TICKET_LOCK_LIFETIME = 5  # seconds
STOP_TIMEOUT = 8.0  # seconds; the supervisor needs at most its grace time

ENVIRONMENT: Mapping[str, str] = {
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "PYTHONWARNINGS": "ignore",
    "TICKET_LOCK_LIFETIME": str(TICKET_LOCK_LIFETIME),
    "CUDA_VISIBLE_DEVICES": "",
}
# A message's products are small: a second thread is waited for longer than it helps. Training has them all.
ONE_MESSAGE: Mapping[str, str] = {"OPENBLAS_NUM_THREADS": "1"}


class BotServerError(Exception):
    """Training or starting failed; the text carries the end of the log."""


def find_environment(root: Path, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The Python of Rasa's own environment: that of `CENTRALITA_RASA_ENV` or of `.venv-rasa` in `root`.

    Returns None where there is no environment, or where making it has not come to its end: Rasa's program is
    installed last.
    """
    folder = Path(environ.get("CENTRALITA_RASA_ENV") or root / ".venv-rasa").absolute()
    python = folder / "bin" / "python"
    return python if python.exists() and (folder / "bin" / "rasa").exists() else None


def fingerprint(project: Path = PROJECT, config: str = "config.yml") -> str:
    """16 hexadecimal digits that change when anything does that goes into the model."""
    digest = hashlib.sha256()
    components = [path for name in COMPONENTS if (path := project / name).exists()]
    for path in [project / config, project / "domain.yml", *components, *sorted((project / "data").rglob("*.yml"))]:
        digest.update(path.relative_to(project).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def train(
    python: Path, *, project: Path = PROJECT, config: str = "config.yml", models: Path | None = None, log: Path
) -> Path:
    """The model of the project as it is now; trained (about 20 s) unless it is there already.

    Args:
        python: of Rasa's environment.
        models: folder for models; `models/` in the project when not given. Older models in it are removed.
        log: file that training writes to.

    Raises BotServerError.
    """
    models = models or project / "models"
    models.mkdir(parents=True, exist_ok=True)
    model = models / f"{Path(config).stem}-{fingerprint(project, config)}.tar.gz"
    with _locked(models / ".lock"):
        if model.exists():
            return model
        log.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=models) as fresh:
            arguments = ["train", "--force", "--config", config, "--out", fresh, "--fixed-model-name", "model"]
            supervisor = Supervisor(
                {"train": _program([str(python), "-m", "rasa", *arguments], project, {}, log, restart=False)},
                runtime=Path(fresh),
            )
            code = supervisor.wait()
            made = Path(fresh, "model.tar.gz")
            if code != 0 or not made.exists():
                raise BotServerError(f"training failed ({code}):\n{tail(log)}")
            for old in models.glob(f"{Path(config).stem}-*.tar.gz"):
                old.unlink()
            made.replace(model)
    return model


class RasaServer:
    """One Rasa server with its action server, on free loopback ports.

    Args:
        python: of Rasa's environment.
        model: what `train` returned.
        runtime: folder for credentials, logs, process ids and the bot's memory (`tracker.sqlite3`), which outlives
            a restart.
        hub_url: where the actions reach the hub's `/bot/v1`.
        hub_token: the bearer token that they show there.
        project: where the channel, the actions and the model's components are.
    """

    def __init__(
        self, *, python: Path, model: Path, runtime: Path, hub_url: str, hub_token: str, project: Path = PROJECT
    ) -> None:
        self.token = secrets.token_urlsafe(32)
        self._port = free_port()
        self._action_port = free_port()
        self._python = python
        self._model = model
        self._runtime = runtime.absolute()
        self._project = project
        self._environment = {"HUB_URL": hub_url, "HUB_BOT_TOKEN": hub_token}
        self._supervisor: Supervisor | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> Path:
        return self._runtime / "rasa.log"

    def start(self) -> None:
        """Starts both programs and returns at once; see `wait_ready`."""
        self._runtime.mkdir(parents=True, exist_ok=True)
        self._runtime.chmod(0o700)
        credentials = {"hub_channel.HubInput": {"token": self.token, "deadline": CHANNEL_DEADLINE}}
        endpoints = {
            "action_endpoint": {"url": f"http://127.0.0.1:{self._action_port}/webhook"},
            "tracker_store": {"type": "turn_store.TurnStore", "db": str(self._runtime / "tracker.sqlite3")},
        }
        # JSON is YAML, and needs no library.
        _write_secret(self._runtime / "credentials.yml", json.dumps(credentials))
        _write_secret(self._runtime / "endpoints.yml", json.dumps(endpoints))
        server = [
            *(str(self._python), "-m", "rasa", "run", "-i", "127.0.0.1", "-p", str(self._port), "-m", str(self._model)),
            *("--credentials", str(self._runtime / "credentials.yml")),
            *("--endpoints", str(self._runtime / "endpoints.yml")),
            *("--response-timeout", str(RESPONSE_TIMEOUT)),
        ]
        actions = [str(self._python), "-m", "rasa_sdk", "--actions", "actions", "-p", str(self._action_port)]
        self._supervisor = Supervisor(
            {
                "actions": _program(
                    actions, self._project, self._environment, self._runtime / "actions.log", restart=True
                ),
                "rasa": _program(server, self._project, ONE_MESSAGE, self.log, restart=True),
            },
            runtime=self._runtime,
        )

    def ready(self) -> bool:
        """True once the server answers, its model loaded. Raises BotServerError when it has given up."""
        if self._supervisor is None:
            return False
        if (code := self._supervisor.poll()) is not None:
            raise BotServerError(f"the bot's programs ended ({code}):\n{tail(self.log)}")
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self.url}/webhooks/hub/status", headers={"Authorization": f"Bearer {self.token}"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=1) as response:
                answer = json.load(response)
        except (urllib.error.URLError, OSError, ValueError):
            return False
        return bool(answer.get("state") == "ready" and answer.get("actions") == "ready")

    def wait_ready(self, timeout: float = 180.0) -> None:
        """Returns when ready. Raises BotServerError, after `timeout` seconds at the latest."""
        give_up = time.monotonic() + timeout
        pause = threading.Event()
        while not self.ready():
            if time.monotonic() > give_up:
                raise BotServerError(f"not ready after {timeout:.0f} s:\n{tail(self.log)}")
            pause.wait(0.2)

    def pids(self) -> dict[str, int]:
        """Process ids by name (`rasa`, `actions`, `supervisor`) as far as started."""
        try:
            found: dict[str, int] = json.loads((self._runtime / "pids.json").read_text())
        except FileNotFoundError:
            return {}
        return found

    def stop(self) -> None:
        """Ends both programs; harmless when they do not run."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None


class Supervisor:
    """Our end of `bot/supervisor.py`: as long as this process lives and has not called `stop`, the programs run.

    It is a process of its own, in its own session, because a Ctrl-C must not reach the programs twice, and because the
    kernel ties a child's fate to the *thread* that started it.
    """

    def __init__(self, programs: Mapping[str, Mapping[str, Any]], *, runtime: Path) -> None:
        pids = runtime / "pids.json"
        pids.unlink(missing_ok=True)
        self._process = subprocess.Popen(  # noqa: S603 - this very Python and our own file
            [sys.executable, "-I", str(Path(__file__).with_name("supervisor.py"))],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdin is not None  # noqa: S101 - for the type checker; PIPE was asked for
        self._lifeline = self._process.stdin
        self._lifeline.write(json.dumps({"programs": programs, "pids": str(pids)}).encode() + b"\n")
        self._lifeline.flush()

    def poll(self) -> int | None:
        """The exit code, None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Waits for programs that end by themselves; their exit code."""
        try:
            return self._process.wait()
        finally:
            self.stop()

    def stop(self) -> None:
        self._lifeline.close()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its programs follow it: they asked the kernel for that
            self._process.wait()


def free_port() -> int:
    """A loopback TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tail(log: Path, lines: int = 20) -> str:
    """The last lines of a log file; empty when there is none."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""


def _program(
    command: list[str], folder: Path, environment: Mapping[str, str], log: Path, *, restart: bool
) -> dict[str, Any]:
    return {
        "command": command,
        "folder": str(folder),
        # Rasa and Keras write settings of their own into the home folder: they get one beside the log.
        "environment": {**ENVIRONMENT, "HOME": str(log.absolute().parent), **environment},
        "log": str(log.absolute()),
        "restart": restart,
    }


def _write_secret(path: Path, content: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One trainer at a time over all processes; the programs we start do not inherit the lock."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


__all__ = ["BotServerError", "RasaServer", "find_environment", "fingerprint", "free_port", "train"]
