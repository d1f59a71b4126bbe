"""The page "How to add a channel", as what it tells its reader to write and to run."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "adding-a-channel.md"
_FILE = re.compile(r"^`(postcard/[^`]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMANDS = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OUTPUT = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """Every file that the reader writes, by its path, in the order of the page."""
    return dict(_FILE.findall(PAGE.read_text()))


def commands() -> list[str]:
    """Every line that the reader types, in the order of the page."""
    return [line for block in _COMMANDS.findall(PAGE.read_text()) for line in block.splitlines() if line]


def output() -> str:
    """What the kit prints, as the page shows it."""
    (found,) = _OUTPUT.findall(PAGE.read_text())
    return str(found)


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
