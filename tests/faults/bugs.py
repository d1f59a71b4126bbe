"""Bugs that are planted in a process, by its own sources' text: the schedules must find each (docs/faults.md)."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable
from typing import Any

from hub.services import bot_turn
from hub.store import feed
from hub.store.unit_of_work import PostgresStore


def _rewritten(function: Callable[..., Any], *changes: tuple[str, str]) -> Any:
    """The function with its text changed. Raises ValueError where the text is not there."""
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    for before, after in changes:
        if before not in source:
            raise ValueError(f"{function.__qualname__} has no {before!r}")
        source = source.replace(before, after)
    space: dict[str, Any] = {}
    module = sys.modules[function.__module__]
    code = compile(source, f"<bug in {function.__qualname__}>", "exec", flags=annotations.compiler_flag)
    exec(code, vars(module), space)  # noqa: S102
    return space[function.__name__]


def _nudge_before_commit() -> None:
    told = 'failpoints.reach("store.committed")\n            self._announce(tx)'
    changes = (
        (told, "pass"),
        ('failpoints.reach("store.ready")', 'self._announce(tx)\n                failpoints.reach("store.ready")'),
    )
    PostgresStore.write = _rewritten(PostgresStore.write, *changes)  # type: ignore[method-assign]


def _lost_compare_and_set() -> None:
    compared = "now.turn_owner_epoch != asked.epoch or now.status != Status.BOT or now.merged_into"
    bot_turn._write = _rewritten(bot_turn._write, (compared, "now.merged_into"))


def _feed_by_bare_id() -> None:
    changes = (("if postgres else", "if False else"), ("if postgres:", "if False:"))
    feed._page = _rewritten(feed._page, *changes)


BUGS: dict[str, Callable[[], None]] = {
    "nudge_before_commit": _nudge_before_commit,
    "lost_compare_and_set": _lost_compare_and_set,
    "feed_by_bare_id": _feed_by_bare_id,
}


def plant(name: str) -> None:
    """Plants a bug in this process."""
    BUGS[name]()
