"""How many SMS a text takes."""

from __future__ import annotations

import pytest

from channels.simulators.segments import segments


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),  # two each
        ("€" * 81, 2),
        ("€" * 153, 3),  # 76 in an SMS: none is cut in two
        ("¿Dónde está mi pedido?", 1),  # á is not of GSM-7
        ("á" * 70, 1),
        ("á" * 71, 2),
        ("ñ" * 160, 1),  # ñ is
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),  # 134 units, but a pair is never cut in two
    ],
)
def test_segments(text: str, count: int) -> None:
    assert segments(text) == count
