"""How far a message has come: reports in any order, repeated or late, lead to the same place."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise, permutations, product

from hypothesis import given
from hypothesis import strategies as st

from hub.domain.messages import Delivery, further

STATES = tuple(Delivery)


def test_further_is_the_greater_of_one_total_order() -> None:
    for one, two in product(STATES, STATES):
        assert further(one, one) is one
        assert further(one, two) in (one, two)
        assert further(one, two) is further(two, one)
        assert further(further(one, two), two) is further(one, two)
        for three in STATES:
            assert further(further(one, two), three) is further(one, further(two, three))


def test_the_order_is_the_one_that_providers_need() -> None:
    order = [
        Delivery.QUEUED,
        Delivery.SENDING,
        Delivery.UNKNOWN,
        Delivery.SENT,
        Delivery.FAILED,
        Delivery.DELIVERED,
        Delivery.READ,
    ]
    for earlier, later in pairwise(order):
        assert further(earlier, later) is later
        assert further(later, earlier) is later
    assert set(order) == set(STATES)


@given(st.lists(st.sampled_from(STATES), min_size=1, max_size=5))
def test_the_order_of_reports_does_not_matter(reports: list[Delivery]) -> None:
    ends = {reduce(further, each, Delivery.QUEUED) for each in permutations(reports)}
    assert len(ends) == 1


@given(st.lists(st.sampled_from(STATES), max_size=20))
def test_no_report_moves_a_message_back(reports: list[Delivery]) -> None:
    state, passed = Delivery.QUEUED, [Delivery.QUEUED]
    for reported in reports:
        state = further(state, reported)
        assert all(further(before, state) is state for before in passed)
        passed.append(state)
