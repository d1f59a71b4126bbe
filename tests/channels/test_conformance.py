"""The conformance kit over every registered channel: ours, and those of installed packages."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import pytest

from hub.app import Makers
from hub.testing.channel_kit import CHECKS, ENTRY_POINTS, ChannelKit, Check, NotAsked, Subject, perform

KITS = Path(__file__).parent / "kits"


def find_kit(name: str) -> ChannelKit | None:
    """The description of a channel: `kits/NAME.py` for ours, an entry point for an outside package's."""
    if (KITS / f"{name}.py").exists():
        kit: ChannelKit = load(KITS / f"{name}.py").KIT
        return kit
    return next((point.load() for point in entry_points(group=ENTRY_POINTS) if point.name == name), None)


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"channel_kit_of_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKERS = Makers()
FOUND = {name: kit for name in sorted(MAKERS) if (kit := find_kit(name))}
SUBJECTS = {name: Subject(kit) for name, kit in FOUND.items()}
PAIRS = [(name, check) for name in FOUND for check in CHECKS]


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_every_registered_channel_has_a_kit(name: str) -> None:
    kit = FOUND.get(name)
    assert kit, f"the channel {name} is registered, and nothing describes it: write tests/channels/kits/{name}.py"
    assert kit.name == name
    assert kit.make is MAKERS[name], "the kit describes another channel than the one that is registered"


def test_a_channel_that_nobody_describes_is_noticed() -> None:
    assert find_kit("pigeon") is None


@pytest.mark.parametrize(
    ("name", "check"),
    [pytest.param(name, check, id=f"{name}-{check.name}") for name, check in PAIRS if not check.needs_hub],
)
def test_it_keeps_its_promises(name: str, check: Check) -> None:
    with contextlib.suppress(NotAsked):
        perform(check, SUBJECTS[name])


@pytest.mark.parametrize(
    ("name", "check"),
    [pytest.param(name, check, id=f"{name}-{check.name}") for name, check in PAIRS if check.needs_hub],
)
def test_it_keeps_its_promises_in_a_hub(name: str, check: Check, make_database: Callable[[], str]) -> None:
    with contextlib.suppress(NotAsked):
        perform(check, Subject(FOUND[name], make_database))
