"""All settings, read once from the environment. docs/settings.md explains each; a test holds the two together."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hub.domain.assist import SENDABLE
from hub.domain.errors import Refused

PREFIX = "CENTRALITA_"
# Seconds. A turn's lease is 20: a bot that may take longer would be asked again while it still thinks.
MOST_DEADLINE = 15
LEAST_KEY = 32


@dataclass(frozen=True, slots=True)
class Settings:
    """One installation's settings. Times are in seconds."""

    database_url: str
    redis_url: str
    host: str
    port: int
    public_url: str
    data: Path
    console: Path
    secret_key: bytes
    bot: str
    rasa_url: str
    rasa_token: str
    bot_token: str
    bot_deadline: float
    knowledge: str
    knowledge_model: str
    knowledge_in_memory: int
    article_review: str
    threads: int
    runner_threads: int
    profile: str
    files_url: str
    fetch_allow: tuple[str, ...]
    smtp_listen: tuple[str, int] | None
    lmtp_listen: tuple[str, int] | None
    smtp_certificate: str
    simulator_url: str
    simulator_account: str
    simulator_token: str
    simulator_smtp: tuple[str, int] | None
    assist_url: str
    assist_model: str
    assist_key: str
    assist_sends: tuple[str, ...]

    @property
    def sqlite_path(self) -> str | None:
        """The database file in embedded mode, None on PostgreSQL."""
        prefix = "sqlite:///"
        return self.database_url.removeprefix(prefix) if self.database_url.startswith(prefix) else None

    @property
    def embedded(self) -> bool:
        """Everything in one process: SQLite, threads instead of workers."""
        return self.sqlite_path is not None


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Reads settings. Raises Refused, naming the variable, when one breaks its rule."""

    def value(name: str, default: str = "") -> str:
        return environment.get(PREFIX + name, default).strip()

    def whole(name: str, default: int, least: int, most: int) -> int:
        given = value(name, str(default))
        if not (given.isascii() and given.isdigit() and len(given) < 10) or not least <= int(given) <= most:
            raise Refused(PREFIX + name, f"must be a whole number from {least} to {most}")
        return int(given)

    def one_of(name: str, default: str, choices: tuple[str, ...]) -> str:
        given = value(name, default)
        if given not in choices:
            raise Refused(PREFIX + name, f"must be one of {', '.join(choices)}")
        return given

    def address(name: str, default: str, schemes: tuple[str, ...]) -> str:
        given = value(name, default)
        try:
            parts = urlsplit(given)
        except ValueError as error:
            raise Refused(PREFIX + name, "must be an address") from error
        if (given or default) and not (parts.scheme in schemes and parts.netloc):
            starts = " or ".join(f"{scheme}://" for scheme in schemes)
            raise Refused(PREFIX + name, f"must be an address that starts with {starts}")
        return given.rstrip("/")

    def place(name: str) -> tuple[str, int] | None:
        host, _, port = value(name).rpartition(":")
        if not value(name):
            return None
        if not host or not (port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65536):
            raise Refused(PREFIX + name, "must be an address of this machine and a port, such as 127.0.0.1:2525")
        return host.strip("[]"), int(port)

    data = Path(value("DATA", ".run")).absolute()
    database_url = value("DATABASE_URL", f"sqlite:///{data}/centralita.sqlite3")
    if database_url.startswith("postgresql://"):
        database_url = database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    if not database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise Refused(PREFIX + "DATABASE_URL", "must start with sqlite:/// or postgresql://")
    if database_url.startswith("sqlite:") and database_url.removeprefix("sqlite:///") in ("", ":memory:"):
        raise Refused(PREFIX + "DATABASE_URL", "must name a file: every connection has a database in memory of its own")
    redis_url = address("REDIS_URL", "", ("redis", "rediss"))
    if database_url.startswith("postgresql") and not redis_url:
        raise Refused(PREFIX + "REDIS_URL", "must be set with a PostgreSQL database: workers are woken through it")
    profile = one_of("PROFILE", "threads", ("threads", "gevent"))
    if profile == "gevent" and database_url.startswith("sqlite:"):
        raise Refused(PREFIX + "PROFILE", "must be threads on SQLite: a commit would hold up every socket")
    host, port = value("HOST", "127.0.0.1"), whole("PORT", 8000, 1, 65535)
    if not host:
        raise Refused(PREFIX + "HOST", "must be an address of this machine: an empty one would listen everywhere")
    try:
        deadline = float(value("BOT_DEADLINE", "4.5"))
    except ValueError:
        deadline = 0.0
    if not 0 < deadline <= MOST_DEADLINE:
        raise Refused(PREFIX + "BOT_DEADLINE", f"must be a number of seconds above 0, at most {MOST_DEADLINE}")
    sends = tuple(filter(None, (each.strip() for each in value("ASSIST_SENDS", "articles,messages").split(","))))
    if not set(sends) <= set(SENDABLE):
        raise Refused(PREFIX + "ASSIST_SENDS", f"must name only {', '.join(SENDABLE)}")
    if value("ASSIST_URL") and not value("ASSIST_MODEL"):
        raise Refused(PREFIX + "ASSIST_MODEL", "must be set where ASSIST_URL is")
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        host=host,
        port=port,
        public_url=address("PUBLIC_URL", f"http://{host}:{port}", ("http", "https")),
        data=data,
        console=Path(value("CONSOLE", "console/dist")).absolute(),
        secret_key=_secret_key(value("SECRET_KEY"), data),
        bot=one_of("BOT", "auto", ("auto", "starting", "absent")),
        rasa_url=address("RASA_URL", "", ("http", "https")),
        rasa_token=value("RASA_TOKEN"),
        bot_token=value("BOT_TOKEN"),
        bot_deadline=deadline,
        knowledge=one_of("KNOWLEDGE", "auto", ("auto", "absent")),
        knowledge_model=value("KNOWLEDGE_MODEL"),
        knowledge_in_memory=whole("KNOWLEDGE_IN_MEMORY", 20_000, 0, 10_000_000),
        article_review=one_of("ARTICLE_REVIEW", "required", ("required", "none")),
        threads=whole("THREADS", 192, 66, 20_000),
        runner_threads=whole("RUNNER_THREADS", 4, 1, 64),
        profile=profile,
        files_url=value("FILES_URL", f"file://{data}/files"),
        fetch_allow=tuple(filter(None, (host.strip() for host in value("FETCH_ALLOW").split(",")))),
        smtp_listen=place("SMTP_LISTEN"),
        lmtp_listen=place("LMTP_LISTEN"),
        smtp_certificate=value("SMTP_CERTIFICATE"),
        simulator_url=address("SIMULATOR_URL", "", ("http", "https")),
        simulator_account=value("SIMULATOR_ACCOUNT"),
        simulator_token=value("SIMULATOR_TOKEN"),
        simulator_smtp=place("SIMULATOR_SMTP"),
        assist_url=address("ASSIST_URL", "", ("http", "https")),
        assist_model=value("ASSIST_MODEL"),
        assist_key=value("ASSIST_KEY"),
        assist_sends=sends,
    )


def _secret_key(given: str, data: Path) -> bytes:
    """The key that signs and encrypts: from the environment, or made once and kept beside the data."""
    if given:
        if len(given) < LEAST_KEY:
            raise Refused(PREFIX + "SECRET_KEY", f"must be at least {LEAST_KEY} characters")
        return given.encode()
    path = data / "secret"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        _make_once(path, secrets.token_urlsafe(48))
    key = path.read_bytes().strip()
    if len(key) < LEAST_KEY:
        raise Refused(
            PREFIX + "SECRET_KEY", f"must be at least {LEAST_KEY} characters in {path.name} of the data folder"
        )
    return key


def _make_once(path: Path, content: str) -> None:
    """Writes a file that only we may read, unless it is there. Whoever sees it sees all of it."""
    file, name = tempfile.mkstemp(dir=path.parent)  # mode 0600 from the beginning
    try:
        with os.fdopen(file, "w") as writing:
            writing.write(content)
        path.hardlink_to(name)
    except FileExistsError:
        pass  # another process of this installation was first: its key is ours too
    finally:
        Path(name).unlink()
