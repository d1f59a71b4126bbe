"""What is to go wrong, and how often."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# where → what can be done there → the fields that it takes beside `where`, `do`, `times` and `number`.
MENU: Mapping[str, Mapping[str, frozenset[str]]] = {
    # The hub's call that creates a message.
    "send": {
        "refuse": frozenset({"status", "code", "message", "retry_after", "seconds"}),
        "delay": frozenset({"seconds"}),
        "cut": frozenset(),
        "accept_then_time_out": frozenset({"seconds"}),
        "accept_then_cut": frozenset(),
        "fail_later": frozenset({"code", "status"}),
    },
    # The reports on a message that was created.
    "status": {
        "reverse": frozenset(),
        "lose": frozenset({"statuses"}),
        "late": frozenset({"seconds"}),
        "duplicate": frozenset({"copies"}),
        "early": frozenset(),
        "tamper": frozenset(),
    },
    # A customer's text on its way to the hub.
    "webhook": {
        "duplicate": frozenset({"copies"}),
        "parallel": frozenset({"copies"}),
        "reorder": frozenset({"seconds"}),
        "tamper": frozenset(),
        "unsigned": frozenset(),
        "json": frozenset(),
        "lose_answer": frozenset(),
    },
    # The hub's fetch of a picture.
    "media": {
        "missing": frozenset(),
        "expired": frozenset(),
        "html": frozenset(),
        "empty": frozenset(),
        "cut": frozenset(),
        "other_type": frozenset({"media_type"}),
    },
}
# The same for mail; `number` is then a customer's address.
MAIL_MENU: Mapping[str, Mapping[str, frozenset[str]]] = {
    # The hub hands over a mail for a customer.
    "send": {
        "greylist": frozenset(),
        "refuse": frozenset({"status", "message"}),
        "delay": frozenset({"seconds"}),
        "cut": frozenset(),
        "accept_then_cut": frozenset(),
        "bounce": frozenset({"seconds"}),
        "out_of_office": frozenset({"seconds"}),
    },
    # A customer's mail on its way to the hub.
    "mail": {
        "duplicate": frozenset({"copies"}),
        "parallel": frozenset({"copies"}),
        "late": frozenset({"seconds"}),
        "cut": frozenset(),
        "lose_answer": frozenset(),
        "without_references": frozenset(),
    },
}
_WHOLE = {"status": (400, 599), "code": (1, 999_999), "retry_after": (0, 3600), "copies": (2, 200), "times": (1, 10**6)}
_MOST_SECONDS = 3600.0


class BadFault(ValueError):
    """A fault that is not on the menu; the text says what is wrong with which field."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to do. `number` limits it to one customer or one address of the firm, empty: any."""

    id: int
    where: str
    do: str
    number: str
    details: Mapping[str, Any]

    def whole(self, field: str, default: int) -> int:
        return int(self.details.get(field, default))

    def seconds(self, default: float) -> float:
        return float(self.details.get("seconds", default))


class Faults:
    """The faults in force, of a menu. Safe for threads."""

    def __init__(self, menu: Mapping[str, Mapping[str, frozenset[str]]] = MENU) -> None:
        self.menu = menu
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._left: dict[int, tuple[Fault, int | None]] = {}

    def add(self, values: Mapping[str, Any]) -> Fault:
        """Puts a fault in force.

        Args:
            values: `where`, `do`, the fields of the menu, `times` (None: until cleared; 1 without it), `number`.

        Raises:
            BadFault: something in it is not on the menu.
        """
        where, do = values.get("where"), values.get("do")
        if not isinstance(where, str) or where not in self.menu:
            raise BadFault(f"where: must be one of {', '.join(self.menu)}")
        if not isinstance(do, str) or do not in self.menu[where]:
            raise BadFault(f"do: must be one of {', '.join(self.menu[where])}")
        unknown = set(values) - {"where", "do", "times", "number"} - self.menu[where][do]
        if unknown:
            raise BadFault(f"{min(unknown)}: means nothing for {where} {do}")
        for field, (least, most) in _WHOLE.items():
            given = values.get(field)
            if given is not None and (type(given) is not int or not least <= given <= most):
                raise BadFault(f"{field}: must be a whole number from {least} to {most}")
        seconds = values.get("seconds", 0)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= _MOST_SECONDS:
            raise BadFault(f"seconds: must be a number from 0 to {_MOST_SECONDS:.0f}")
        statuses = values.get("statuses", [])
        if not isinstance(statuses, list) or not all(isinstance(status, str) for status in statuses):
            raise BadFault("statuses: must be a list of status names")
        for field in ("number", "message", "media_type"):
            if not isinstance(values.get(field, ""), str):
                raise BadFault(f"{field}: must be a text")
        details = {field: values[field] for field in self.menu[where][do] if field in values}
        with self._lock:
            fault = Fault(next(self._ids), where, do, values.get("number", ""), details)
            self._left[fault.id] = (fault, values.get("times", 1))
        return fault

    def take(self, where: str, *numbers: str) -> Fault | None:
        """The oldest fault in force there for one of the numbers; it is used up by one."""
        with self._lock:
            for fault, left in self._left.values():
                if fault.where == where and (not fault.number or fault.number in numbers):
                    if left == 1:
                        del self._left[fault.id]
                    elif left is not None:
                        self._left[fault.id] = (fault, left - 1)
                    return fault
        return None

    def clear(self) -> int:
        """Takes all back. Returns how many were in force."""
        with self._lock:
            count = len(self._left)
            self._left.clear()
        return count

    def listed(self) -> list[dict[str, Any]]:
        """The faults in force, the oldest first; `times` is what is left of each."""
        with self._lock:
            return [
                {"id": f.id, "where": f.where, "do": f.do, "number": f.number, "times": left, **f.details}
                for f, left in self._left.values()
            ]
