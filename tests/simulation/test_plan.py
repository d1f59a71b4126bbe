"""The plan: Poisson arrivals of a rate, the same for the same seed, each customer's turns in their order."""

from __future__ import annotations

import statistics
from itertools import pairwise

import phonenumbers
import pytest

from hub.domain.errors import Refused
from hub.simulation.numbers import REGIONS, Numbers
from hub.simulation.plan import Step, compressed, plan
from hub.simulation.script import load
from hub.simulation.trouble import LEVELS, MENU, Troubles

SCRIPT = load()


def steps(channels: tuple[str, ...] = ("sms", "webchat"), rate: float = 20.0, seed: int = 1) -> list[Step]:
    return list(plan(SCRIPT, channels, rate=rate, seconds=120, seed=seed))


def test_the_same_seed_gives_the_same_plan_and_another_one_another() -> None:
    assert steps() == steps()
    assert [step.person.phone for step in steps()] != [step.person.phone for step in steps(seed=2)]


@pytest.mark.parametrize("rate", [5.0, 50.0])
def test_messages_arrive_as_a_poisson_process(rate: float) -> None:
    times = [step.at for step in steps(rate=rate)]
    assert times == sorted(times)
    assert len(times) == pytest.approx(rate * 120, rel=0.1)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    # Of an exponential distribution mean and deviation are the same.
    assert statistics.stdev(gaps) == pytest.approx(statistics.mean(gaps), rel=0.15)


def test_every_conversation_is_played_from_its_beginning_in_its_order_with_its_pauses() -> None:
    texts = {tuple(turn.text for turn in each.turns if turn.who == who) for each in SCRIPT for who in each.customers}
    said: dict[int, list[Step]] = {}
    for step in steps():
        said.setdefault(step.person.number, []).append(step)
    assert len(said) > 100
    for number, mine in said.items():
        spoken = [step.text.replace(step.person.phone, "{phone}") for step in mine]
        assert any(list(text[: len(spoken)]) == spoken for text in texts), f"customer {number} said {spoken}"
    assert any(step.last for step in steps())


def test_every_pause_is_kept() -> None:
    pauses = {
        tuple(turn.text for turn in each.turns): [compressed(turn.pause) for turn in each.turns]
        for each in SCRIPT
        if len(each.customers) == 1
    }
    said: dict[int, list[Step]] = {}
    for step in steps():
        said.setdefault(step.person.number, []).append(step)
    checked = 0
    for mine in said.values():
        spoken = tuple(step.text.replace(step.person.phone, "{phone}") for step in mine)
        for (earlier, later), pause in zip(pairwise(mine), pauses.get(spoken, [])[1:], strict=False):
            assert later.at - earlier.at >= pause
            checked += 1
    assert checked > 300


@pytest.mark.parametrize("channel", ["sms", "webchat", "email"])
def test_one_channel_alone(channel: str) -> None:
    assert {step.channel for step in steps((channel,))} == {channel}


def test_both_channels_and_some_customers_on_both() -> None:
    ways: dict[int, set[str]] = {}
    for step in steps():
        ways.setdefault(step.person.number, set()).add(step.channel)
    assert {"sms", "webchat"} in ways.values()


def test_a_channel_without_conversations_is_refused() -> None:
    script = [each for each in SCRIPT if each.channels == {"sms"}]
    with pytest.raises(Refused, match="--channels"):
        next(plan(script, ("webchat",), rate=1, seconds=1, seed=1))


def test_pauses_are_compressed_and_stay_in_their_order() -> None:
    assert compressed(0) == 0
    assert 1 < compressed(5) < compressed(60) < compressed(86_400) < 30


@pytest.mark.parametrize("region", sorted(REGIONS))
def test_numbers_are_valid_in_their_country_and_nobody_elses(region: str) -> None:
    numbers = Numbers(3)
    given = [numbers.next(region) for _ in range(300)]
    assert len(set(given)) == len(given)
    for number in given:
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number_for_region(parsed, region)
        assert phonenumbers.number_type(parsed) in (
            phonenumbers.PhoneNumberType.MOBILE,
            phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
        )


def test_troubles_are_dealt_by_the_seed_and_each_comes_before_any_comes_again() -> None:
    def dealt(seed: int) -> list[str]:
        troubles = Troubles(seed, every=1)
        return [str(troubles.next("whatsapp")) for _ in MENU["whatsapp"]]

    assert dealt(3) == dealt(3) != dealt(4)
    assert len(set(dealt(3))) == len(MENU["whatsapp"])
    quick = Troubles(3, *LEVELS["quick"])
    assert all((quick.next("line") or {}).get("seconds", 0) <= 1 for _ in range(50))
    assert Troubles(3, *LEVELS["none"]).next("sms") is None


def test_who_only_texts_writes_by_one_of_the_apps() -> None:
    script = [each for each in load() if each.channels == {"sms"}]
    steps = list(plan(script, ("sms", "line", "slack"), rate=20, seconds=20, seed=5))
    assert {each.channel for each in steps} == {"sms", "line", "slack"}
    by_person: dict[int, set[str]] = {}
    for each in steps:
        by_person.setdefault(each.person.number, set()).add(each.channel)
    assert all(len(channels) == 1 for channels in by_person.values())


def test_as_many_customers_as_are_wanted_have_something_to_say_at_once() -> None:
    steps = list(plan(load(), ("sms", "line"), rate=10, seconds=30, seed=5, customers=40))
    under_way: set[int] = set()
    most = 0
    for each in steps:
        (under_way.discard if each.last else under_way.add)(each.person.number)
        most = max(most, len(under_way))
    assert most >= 40
    assert steps == list(plan(load(), ("sms", "line"), rate=10, seconds=30, seed=5, customers=40))
