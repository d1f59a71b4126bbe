"""Settings: every bad value is refused by name, and the installation's key is made once."""

from __future__ import annotations

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest
from cryptography.fernet import InvalidToken

from hub.app import build
from hub.domain.errors import Refused
from hub.jobs.nudges import ThreadNudger
from hub.settings import Settings, from_environment
from hub.store.secret_box import SecretBox
from hub.testing.fakes import FakeBot, WordKnowledge

POSTGRES = {"DATABASE_URL": "postgresql://hub@db/hub", "REDIS_URL": "redis://redis:6379/0"}


def read(folder: Path, **given: str) -> Settings:
    values = {"DATA": str(folder)} | given
    return from_environment({f"CENTRALITA_{name}": value for name, value in values.items()})


def test_nothing_set_is_the_embedded_hub_on_loopback(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.embedded
    assert settings.sqlite_path == f"{tmp_path}/centralita.sqlite3"
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.files_url == f"file://{tmp_path}/files"
    assert (settings.bot, settings.knowledge, settings.profile) == ("auto", "auto", "threads")


def test_everything_can_be_set(tmp_path: Path) -> None:
    given = {
        **POSTGRES,
        "HOST": "0.0.0.0",  # noqa: S104  # a value to be read, nobody listens
        "PORT": "9000",
        "PUBLIC_URL": "https://help.example/",
        "CONSOLE": str(tmp_path / "dist"),
        "SECRET_KEY": "k" * 32,
        "BOT": "absent",
        "RASA_URL": "http://rasa:5005/",
        "RASA_TOKEN": "t",
        "BOT_TOKEN": "b",
        "BOT_DEADLINE": "3.5",
        "KNOWLEDGE": "absent",
        "KNOWLEDGE_MODEL": "some-model",
        "THREADS": "300",
        "RUNNER_THREADS": "8",
        "PROFILE": "gevent",
        "KNOWLEDGE_IN_MEMORY": "5000",
        "ARTICLE_REVIEW": "none",
        "FILES_URL": "s3://bucket/prefix",
        "FETCH_ALLOW": "127.0.0.1:8001, media.internal:443",
        "SMTP_LISTEN": "0.0.0.0:2525",
        "LMTP_LISTEN": "[::1]:2424",
        "SMTP_CERTIFICATE": "/etc/ssl/mail.pem",
        "SIMULATOR_URL": "http://127.0.0.1:8001",
        "SIMULATOR_ACCOUNT": "AC0",
        "SIMULATOR_TOKEN": "s",
        "SIMULATOR_SMTP": "127.0.0.1:8002",
        "ASSIST_URL": "https://models.example/v1/",
        "ASSIST_MODEL": "small",
        "ASSIST_KEY": "k",
        "ASSIST_SENDS": "articles",
    }
    settings = read(tmp_path, **given)
    assert settings == Settings(
        database_url="postgresql+psycopg://hub@db/hub",
        redis_url="redis://redis:6379/0",
        host="0.0.0.0",  # noqa: S104
        port=9000,
        public_url="https://help.example",
        data=tmp_path,
        console=tmp_path / "dist",
        secret_key=b"k" * 32,
        bot="absent",
        rasa_url="http://rasa:5005",
        rasa_token="t",
        bot_token="b",
        bot_deadline=3.5,
        knowledge="absent",
        knowledge_model="some-model",
        knowledge_in_memory=5000,
        threads=300,
        runner_threads=8,
        profile="gevent",
        article_review="none",
        files_url="s3://bucket/prefix",
        fetch_allow=("127.0.0.1:8001", "media.internal:443"),
        smtp_listen=("0.0.0.0", 2525),  # noqa: S104
        lmtp_listen=("::1", 2424),
        smtp_certificate="/etc/ssl/mail.pem",
        simulator_url="http://127.0.0.1:8001",
        simulator_account="AC0",
        simulator_token="s",
        simulator_smtp=("127.0.0.1", 8002),
        assist_url="https://models.example/v1",
        assist_model="small",
        assist_key="k",
        assist_sends=("articles",),
    )
    assert not settings.embedded
    assert len(fields(Settings)) == len(given) + 1, "DATA is the one more: a new setting belongs into this test"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://db/hub"),
        ("DATABASE_URL", "sqlite://hub.sqlite3"),
        ("DATABASE_URL", "sqlite:///"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("REDIS_URL", "redis.example:6379"),
        ("REDIS_URL", "http://redis"),
        ("HOST", ""),
        ("PUBLIC_URL", ""),
        ("PUBLIC_URL", "help.example"),
        ("PUBLIC_URL", "ftp://help.example"),
        ("PUBLIC_URL", "http://[::1"),
        ("PUBLIC_URL", "https://"),
        ("RASA_URL", "rasa:5005"),
        ("PORT", "0"),
        ("SMTP_LISTEN", "2525"),
        ("SMTP_LISTEN", "127.0.0.1:"),
        ("LMTP_LISTEN", "127.0.0.1:70000"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PORT", "-1"),
        ("PORT", "8000.0"),
        ("PORT", "²"),
        ("PORT", "٨٠٨٠"),
        ("PORT", "9" * 5000),
        ("THREADS", "65"),
        ("THREADS", "20001"),
        ("THREADS", ""),
        ("RUNNER_THREADS", "0"),
        ("RUNNER_THREADS", "65"),
        ("BOT_DEADLINE", "soon"),
        ("BOT_DEADLINE", "0"),
        ("BOT_DEADLINE", "-1"),
        ("BOT_DEADLINE", "nan"),
        ("BOT_DEADLINE", "inf"),
        ("BOT_DEADLINE", "16"),
        ("BOT", "perhaps"),
        ("KNOWLEDGE", "some"),
        ("PROFILE", "eventlet"),
        ("PROFILE", "gevent"),  # with SQLite
        ("SECRET_KEY", "k" * 31),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_variable(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(Refused) as refused:
        read(tmp_path, **{name: value})
    assert refused.value.field == f"CENTRALITA_{name}"
    assert refused.value.rule.startswith("must")
    assert "k" * 31 not in str(refused.value), "a secret is not repeated"


def test_postgresql_wants_redis(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="CENTRALITA_REDIS_URL: must be set"):
        read(tmp_path, DATABASE_URL="postgresql://hub@db/hub")


def test_an_embedded_hub_runs_its_rows_itself_whatever_redis_is_there(tmp_path: Path) -> None:
    settings = read(tmp_path, REDIS_URL="redis://127.0.0.1:1/0")
    assembled = build(settings, bot=FakeBot(), knowledge=WordKnowledge())
    assert isinstance(assembled.hub.nudger, ThreadNudger)
    assert assembled.redis is None
    assembled.stop()


def test_the_key_is_made_once_and_only_we_may_read_it(tmp_path: Path) -> None:
    data = tmp_path / "new" / "folder"
    key = read(data).secret_key
    assert len(key) >= 32
    assert read(data).secret_key == key
    assert stat.S_IMODE((data / "secret").stat().st_mode) == 0o600
    assert [path.name for path in data.iterdir()] == ["secret"], "nothing else is left behind"
    assert read(tmp_path / "another").secret_key != key


def test_a_key_of_the_environment_leaves_no_file(tmp_path: Path) -> None:
    assert read(tmp_path, SECRET_KEY="k" * 40).secret_key == b"k" * 40
    assert not (tmp_path / "secret").exists()


@pytest.mark.parametrize("content", ["", "short"])
def test_a_key_file_that_was_cut_off_is_refused_and_not_used(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret").write_text(content)
    with pytest.raises(Refused, match="CENTRALITA_SECRET_KEY"):
        read(tmp_path)


def test_processes_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    for round_ in range(20):
        barrier = threading.Barrier(8)
        folder = tmp_path / str(round_)

        def start(folder: Path = folder, barrier: threading.Barrier = barrier) -> bytes:
            barrier.wait(30)
            return read(folder).secret_key

        with ThreadPoolExecutor(8) as pool:
            keys = {each.result(30) for each in [pool.submit(start) for _ in range(8)]}
        assert len(keys) == 1
        assert len(keys.pop()) >= 32


def test_whoever_reads_while_another_still_writes_sees_the_whole_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first process stops between making the key and keeping it: nobody may start with an empty one."""
    seen: list[bytes] = []
    link = Path.hardlink_to

    def late(path: Path, target: str) -> None:
        monkeypatch.setattr(Path, "hardlink_to", link)
        seen.append(read(tmp_path).secret_key)
        link(path, target)

    monkeypatch.setattr(Path, "hardlink_to", late)
    assert read(tmp_path).secret_key == seen[0]
    assert len(seen[0]) >= 32


def test_a_box_opens_only_what_the_same_key_sealed(tmp_path: Path) -> None:
    sealed = SecretBox(read(tmp_path / "one").secret_key).seal("a token")
    assert SecretBox(read(tmp_path / "one").secret_key).open(sealed) == "a token"
    with pytest.raises(InvalidToken):
        SecretBox(read(tmp_path / "two").secret_key).open(sealed)
