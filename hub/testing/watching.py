"""Watches what code does besides its answer: the network, the disk, the clock, and how it compares secrets."""

from __future__ import annotations

import contextlib
import hmac
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

_FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "time.sleep")
_active = threading.local()


class Touched(Exception):
    """Raised inside code that does what it must not do while it is watched."""


@cache
def _watch() -> None:
    """An audit hook cannot be taken away again (PEP 578): there is one for the process, and it sleeps."""

    def hook(name: str, arguments: tuple[Any, ...]) -> None:
        found = getattr(_active, "found", None)
        if found is None:
            return
        if name.startswith(_FORBIDDEN) or (name == "open" and _writes(arguments)):
            found.append(name)
            raise Touched(name)

    sys.addaudithook(hook)


def _writes(arguments: tuple[Any, ...]) -> bool:
    mode = arguments[1] if len(arguments) > 1 else None
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")


@contextlib.contextmanager
def quiet() -> Iterator[list[str]]:
    """While entered, this thread may use no network, write no file, start no program and ask no clock.

    Gives the list of what it tried; the attempt itself raises `Touched` where it goes past Python.
    """
    _watch()
    found: list[str] = []
    real = {name: getattr(time, name) for name in ("time", "time_ns")}

    def asked(name: str) -> Callable[[], Any]:
        def now() -> Any:
            # A log record carries its time, and logging is no crime.
            if getattr(_active, "found", None) is found and sys._getframe(1).f_globals.get("__name__") != "logging":
                found.append(f"time.{name}")
            return real[name]()

        return now

    for name in real:
        setattr(time, name, asked(name))
    _active.found = found
    try:
        yield found
    finally:
        _active.found = None
        for name, function in real.items():
            setattr(time, name, function)


@contextlib.contextmanager
def compared() -> Iterator[list[tuple[Any, Any]]]:
    """Gives the list of what is compared by `hmac.compare_digest` while entered, wherever it was imported to."""
    original = hmac.compare_digest
    seen: list[tuple[Any, Any]] = []

    def compare(a: Any, b: Any) -> bool:
        seen.append((a, b))
        return original(a, b)

    holders = [module for module in list(sys.modules.values()) if vars(module).get("compare_digest") is original]
    for module in holders:
        module.compare_digest = compare  # type: ignore[attr-defined]
    try:
        yield seen
    finally:
        for module in holders:
            module.compare_digest = original  # type: ignore[attr-defined]


def telltale(text: str, told: list[str]) -> str:
    """A text that writes into `told` whenever it is compared with `==` or `!=` to one of about its own length."""

    class Telltale(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            self._tell(other)
            return str.__eq__(self, other)

        def __ne__(self, other: object) -> bool:
            self._tell(other)
            return str.__ne__(self, other)

        __hash__ = str.__hash__

        def _tell(self, other: object) -> None:
            if isinstance(other, str) and len(other) * 2 > len(text):
                told.append("==")

    return Telltale(text)
