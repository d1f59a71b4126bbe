"""What each kind of process loads, and how it ends where it cannot begin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.imports import without

SERVED = """
import json, sys
from hub import __main__
above = sorted(sys.modules)
from hub import settings
from hub.imports import OPTIONAL, without
with without(OPTIONAL):
    import hub.serving
from hub import app
assembled = app.build(settings.from_environment(json.loads(sys.argv[1])))
print(json.dumps({"above": above, "serving": sorted(sys.modules)}))
assembled.stop()
"""


def loaded(tmp_path: Path, **environment: str) -> dict[str, set[str]]:
    """What the process above the server has loaded, and the one that serves."""
    given = {"CENTRALITA_DATA": str(tmp_path), "CENTRALITA_KNOWLEDGE": "absent", "CENTRALITA_BOT": "absent"}
    command = [sys.executable, "-c", SERVED, json.dumps(given | environment)]
    printed = subprocess.run(command, capture_output=True, check=True, text=True, timeout=120)
    return {which: set(names) for which, names in json.loads(printed.stdout.splitlines()[-1]).items()}


def test_an_embedded_hub_loads_nothing_that_it_does_not_use(tmp_path: Path) -> None:
    serving = loaded(tmp_path)["serving"]
    assert {"flask", "socketio"} <= serving
    spared = {"redis", "rq", "aiohttp", "requests", "rich", "pygments", "numpy", "holidays", "bs4", "aiosmtpd"}
    assert not spared & serving


def test_the_process_above_the_server_has_only_the_server(tmp_path: Path) -> None:
    above = loaded(tmp_path)["above"]
    assert "gunicorn" in above
    assert not {"flask", "sqlalchemy", "pydantic", "hub.app", "hub.command_line"} & above


def test_a_scaled_out_hub_has_redis(tmp_path: Path) -> None:
    url = {
        "CENTRALITA_DATABASE_URL": "postgresql://nobody@localhost/nowhere",
        "CENTRALITA_REDIS_URL": "redis://localhost",
    }
    serving = loaded(tmp_path, **url)["serving"]
    assert {"redis", "rq", "hub.live.hints"} <= serving
    assert not {"aiohttp", "rich"} & serving


def test_a_hub_with_articles_has_numpy(tmp_path: Path) -> None:
    assert "numpy" in loaded(tmp_path, CENTRALITA_KNOWLEDGE="auto")["serving"]


def test_what_is_left_out_can_be_imported_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "seldom_used.py").write_text("here = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    with without(("seldom_used", "json")):
        with pytest.raises(ImportError, match="seldom_used"):
            __import__("seldom_used")
        assert __import__("json") is json  # loaded before: nobody loses it
    assert __import__("seldom_used").here
    del sys.modules["seldom_used"]


def test_a_hub_that_cannot_be_put_together_says_why_and_ends(tmp_path: Path, free_port: int) -> None:
    environment = {
        **os.environ,
        "CENTRALITA_DATA": str(tmp_path),
        "CENTRALITA_PORT": str(free_port),
        "CENTRALITA_KNOWLEDGE": "absent",
        "CENTRALITA_BOT": "absent",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "hub", "serve"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2
    assert "centralita: the database has another schema: run `centralita migrate` first" in ended.stderr
    assert "Traceback" not in ended.stderr
