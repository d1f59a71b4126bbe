"""One sender's flood, and nobody else's."""

from __future__ import annotations

import pytest

from hub.domain.errors import TooMany
from hub.services import rate_limit
from hub.services.rate_limit import RateLimit


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, for the test to set."""
    now = [1000.0]
    monkeypatch.setattr(rate_limit.time, "monotonic", lambda: now[0])
    return now


def test_a_burst_and_then_the_rate(at: list[float]) -> None:
    limit = RateLimit(per_second=0.5, burst=3)
    assert [limit.allows("ana") for _ in range(5)] == [True, True, True, False, False]
    at[0] += 2
    assert [limit.allows("ana") for _ in range(2)] == [True, False]
    at[0] += 1000
    assert [limit.allows("ana") for _ in range(4)] == [True, True, True, False]


def test_it_says_when_to_come_again(at: list[float]) -> None:
    limit = RateLimit(per_second=0.2, burst=1)
    limit.check("ana")
    with pytest.raises(TooMany) as refused:
        limit.check("ana")
    assert refused.value.retry_after == 5
    at[0] += 5
    limit.check("ana")


def test_others_do_not_pay_for_it(at: list[float]) -> None:
    limit = RateLimit(per_second=1, burst=1)
    assert limit.allows("ana")
    assert not limit.allows("ana")
    assert limit.allows("ben")


def test_what_it_remembers_is_bounded(at: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "KEPT", 10)
    limit = RateLimit(per_second=1, burst=1)
    for number in range(100):
        limit.allows(str(number))
    assert not limit.allows("99")
    assert limit.allows("0")
