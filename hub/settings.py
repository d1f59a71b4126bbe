"""All settings, read once from the environment. docs/settings.md explains each; a test holds the two together."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.domain.errors import Refused

PREFIX = "CENTRALITA_"


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
    threads: int
    runner_threads: int
    profile: str
    files_url: str

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
        if not given.isdigit() or not least <= int(given) <= most:
            raise Refused(PREFIX + name, f"must be a whole number from {least} to {most}")
        return int(given)

    def one_of(name: str, default: str, choices: tuple[str, ...]) -> str:
        given = value(name, default)
        if given not in choices:
            raise Refused(PREFIX + name, f"must be one of {', '.join(choices)}")
        return given

    data = Path(value("DATA", ".run")).absolute()
    database_url = value("DATABASE_URL", f"sqlite:///{data}/centralita.sqlite3")
    if database_url.startswith("postgresql://"):
        database_url = database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    if not database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise Refused(PREFIX + "DATABASE_URL", "must start with sqlite:/// or postgresql://")
    redis_url = value("REDIS_URL")
    if database_url.startswith("postgresql") and not redis_url:
        raise Refused(PREFIX + "REDIS_URL", "must be set with a PostgreSQL database: workers are woken through it")
    host, port = value("HOST", "127.0.0.1"), whole("PORT", 8000, 1, 65535)
    try:
        deadline = float(value("BOT_DEADLINE", "4.5"))
    except ValueError as error:
        raise Refused(PREFIX + "BOT_DEADLINE", "must be a number of seconds") from error
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        host=host,
        port=port,
        public_url=value("PUBLIC_URL", f"http://{host}:{port}").rstrip("/"),
        data=data,
        console=Path(value("CONSOLE", "console/dist")).absolute(),
        secret_key=_secret_key(value("SECRET_KEY"), data),
        bot=one_of("BOT", "auto", ("auto", "starting", "absent")),
        rasa_url=value("RASA_URL").rstrip("/"),
        rasa_token=value("RASA_TOKEN"),
        bot_token=value("BOT_TOKEN"),
        bot_deadline=deadline,
        knowledge=one_of("KNOWLEDGE", "auto", ("auto", "absent")),
        knowledge_model=value("KNOWLEDGE_MODEL"),
        threads=whole("THREADS", 192, 66, 20_000),
        runner_threads=whole("RUNNER_THREADS", 4, 1, 64),
        profile=one_of("PROFILE", "threads", ("threads", "gevent")),
        files_url=value("FILES_URL", f"file://{data}/files"),
    )


def _secret_key(given: str, data: Path) -> bytes:
    """The key that signs and encrypts: from the environment, or made once and kept beside the data."""
    if given:
        if len(given) < 32:
            raise Refused(PREFIX + "SECRET_KEY", "must be at least 32 characters")
        return given.encode()
    path = data / "secret"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x") as file:
                path.chmod(0o600)
                file.write(secrets.token_urlsafe(48))
        except FileExistsError:
            pass  # another process of this installation was first: its key is ours too
    return path.read_bytes().strip()
