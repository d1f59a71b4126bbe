"""Who may import whom, as ARCHITECTURE.md draws it, and that a breach is found."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("hub", "channels", "bot", "kb")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    wide = os.environ | {"COLUMNS": "200"}  # each contract on a line of its own
    return subprocess.run([program, "--no-cache"], cwd=folder, env=wide, capture_output=True, text=True)


def test_every_contract_is_kept() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("hub/domain/errors.py", "import hub.store", "The hub's layers import downwards only"),
        (
            "channels/__init__.py",
            "import hub.store",
            "Channels, bot and knowledge base know the hub's ports and domain, nothing else of it",
        ),
        ("kb/__init__.py", "import channels", "Channels, bot and knowledge base never import each other"),
        ("hub/app.py", "import channels.simulators.twilio", "Only the command line plays the providers' side"),
        ("hub/services/__init__.py", "import kb", "Only the composition root knows the concrete parts"),
        ("hub/store/__init__.py", "import hub.settings", "The hub's layers import downwards only"),
        ("hub/jobs/__init__.py", "import flask", "Flask only in hub.web, hub.live and hub.app"),
        ("hub/web/__init__.py", "import flask_socketio", "Socket.IO only in hub.live and hub.app"),
        ("hub/services/__init__.py", "import redis", "RQ and Redis only in hub.jobs"),
        ("hub/web/__init__.py", "import sqlalchemy", "SQLAlchemy only in hub.store and hub.app"),
    ],
)
def test_a_breach_is_found(module: str, statement: str, contract: str, tmp_path: Path) -> None:
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "project")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(ROOT / ".importlinter", tmp_path)
    with (tmp_path / module).open("a") as file:
        file.write(f"\n{statement}\n")
    result = lint(tmp_path)
    broken = [line for line in result.stdout.splitlines() if " BROKEN" in line]
    assert result.returncode != 0
    assert any(line.startswith(contract) for line in broken), result.stdout + result.stderr


@pytest.mark.parametrize("path", [ROOT / "hub" / "ports.py", *sorted((ROOT / "hub" / "domain").rglob("*.py"))], ids=str)
def test_the_domain_and_the_ports_need_only_the_standard_library(path: Path) -> None:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    outside = {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}
    assert {name for name in outside if not name.startswith("hub.domain")} == set()
