"""What the documents promise is there, and nothing of one machine has got into the project."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)")


def kept_files() -> list[Path]:
    """Every file of the project that is text, as git knows them."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:4096]]


def documents() -> list[Path]:
    return [path for path in kept_files() if path.suffix == ".md"]


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = [
        f"{path.relative_to(ROOT)} → {target}"
        for path in documents()
        for target in LINK.findall(path.read_text())
        if not (path.parent / target).exists()
    ]
    assert broken == []


def test_architecture_leads_to_a_page_for_every_subsystem() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    linked = {(ROOT / target).resolve() for target in LINK.findall(text)}
    pages = {path for path in documents() if path.parent == ROOT / "docs"}
    assert pages, "docs/ has no pages"
    assert sorted(path.name for path in pages - linked) == []


def test_every_setting_is_explained() -> None:
    sources = [path for path in kept_files() if path.suffix in {".py", ".yml"} and "tests" not in path.parts]
    names = {name for path in sources for name in re.findall(r"\bCENTRALITA_[A-Z_]*[A-Z]\b", path.read_text())}
    reader = (ROOT / "hub" / "settings.py").read_text()
    names |= {f"CENTRALITA_{name}" for name in re.findall(r"""\b(?:value|whole|one_of)\("([A-Z_]+)\"""", reader)}
    explained = "".join((ROOT / "docs" / name).read_text() for name in ("settings.md", "install.md"))
    assert "CENTRALITA_DATABASE_URL" in names
    assert sorted(name for name in names if f"`{name}`" not in explained) == []


@pytest.mark.parametrize("path", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_lock_files_of_python_name_no_index(path: Path) -> None:
    assert re.findall(r"^.*(?:https?://|file:|--.*(?:index|find-links)).*$", path.read_text(), re.MULTILINE) == []


def test_the_lock_file_of_the_console_names_no_registry() -> None:
    lock = json.loads((ROOT / "console" / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "://" in package.get("resolved", "")] == []


def test_no_file_mentions_a_path_of_somebodys_machine() -> None:
    # Put together here, so that this file does not find itself.
    private = re.compile(
        "|".join(rf"(?<![\w.~$}}])/{folder}/" for folder in ("work", "root", "Users", r"home/(?!user\b)\w+"))
    )
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in kept_files()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if private.search(line)
    ]
    assert found == []
