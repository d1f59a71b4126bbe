"""What the commands that run for long need of the process that they run in."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.__main__ import main
from hub.web import server


@pytest.fixture
def as_started() -> Iterator[None]:
    """As `python -m hub` begins: whatever writes to a closed pipe ends with it."""
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGPIPE, before)


@pytest.mark.usefixtures("as_started")
def test_a_client_that_hangs_up_does_not_take_the_server_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CENTRALITA_DATABASE_URL", f"sqlite:///{tmp_path}/hub.sqlite3")
    monkeypatch.setenv("CENTRALITA_DATA", str(tmp_path))
    served: list[object] = []
    monkeypatch.setattr(server, "serve", lambda **_: served.append(signal.getsignal(signal.SIGPIPE)))
    assert main(["serve"]) == 0
    assert served == [signal.SIG_IGN]
