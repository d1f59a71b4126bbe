"""Who says what, and when: worked out before anything is said, so that the same seed plays the same customers."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hub.domain.errors import Refused
from hub.simulation.numbers import Numbers
from hub.simulation.script import ANY, Conversation, Mail, Turn

# Whoever texts in the script could as well write by one of these: by which is dealt out.
TEXTED = ("sms", "whatsapp", "messenger", "instagram", "telegram", "line", "slack")
# One text in so many is changed by whoever wrote it, in turn by what their app lets them do.
CHANGED_EVERY = 4
CHANGES: Mapping[str, tuple[str, ...]] = {
    "whatsapp": ("edit", "take_back", "react"),
    "messenger": ("edit", "react"),
    "instagram": ("take_back", "react"),
    "telegram": ("edit", "react"),
    "line": ("take_back",),
    "slack": ("edit", "take_back", "react"),
}
# The languages of the hub's own pages; everybody else sees the first.
_SERVED = ("en", "es")


@dataclass(frozen=True, slots=True)
class Person:
    """One simulated customer of one run. `tells` is what they fill in before a web chat."""

    number: int
    name: str
    region: str
    phone: str
    email: str
    language: str
    tells: frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """One message to be said: `at` seconds after the start. `mail` says how, where it is said by mail. `last`: the
    conversation ends with it. `then` is what its writer does to it once it is said, one of `CHANGES`, or empty."""

    at: float
    person: Person
    channel: str
    text: str
    pictures: tuple[str, ...]
    expects_answer: bool
    last: bool
    mail: Mail | None = None
    then: str = ""


def compressed(pause: float) -> float:
    """A pause of the customer's life in the simulation's seconds: 5 s → 1 s, a minute → 6 s, a day → 26 s."""
    return 2 * math.log2(1 + pause / 10)


def playable(script: Sequence[Conversation], channels: Sequence[str]) -> list[Conversation]:
    """The conversations that need no other channels. Raises Refused where there is none."""
    found = [each for each in script if each.channels <= set(channels)]
    if not found:
        raise Refused(
            "--channels", f"must be channels that the script has conversations for, not {', '.join(channels)}"
        )
    return found


def plan(
    script: Sequence[Conversation],
    channels: Sequence[str],
    *,
    rate: float,
    seconds: float,
    seed: int,
    customers: int = 0,
) -> Iterator[Step]:
    """What is to be said, in the order of time.

    Messages arrive as a Poisson process. Each goes to the customer who has waited longest since the end of a pause;
    where all are in a pause, or fewer than `customers` have something to say yet, somebody new comes with the next
    conversation of the shuffled script.

    Args:
        script: of `script.load`.
        channels: what may be used; a conversation's `any` becomes one of them, and what is only texted goes by one of
            `TEXTED`.
        rate: messages a second, all channels together.
        seconds: how long; conversations that are under way then stay unfinished.
        seed: the same seed, the same plan.
        customers: how many conversations are under way at once, at least.

    Raises:
        Refused: no conversation can be played over these channels.
    """
    chance = random.Random(f"plan {seed}")  # noqa: S311  # nothing secret
    deck = _shuffled(playable(script, channels), chance)
    texted = [each for each in TEXTED if each in channels]
    numbers, people = Numbers(seed), itertools.count(1)
    changes = {channel: _changes(kinds) for channel, kinds in CHANGES.items()}
    waiting: list[tuple[float, int, _UnderWay]] = []
    at = 0.0
    for count in itertools.count():
        at += chance.expovariate(rate)
        if at >= seconds:
            return
        if waiting and waiting[0][0] <= at and len(waiting) >= customers:
            under_way = heapq.heappop(waiting)[2]
        else:
            conversation = next(deck)
            by = {ANY: chance.choice(channels)}
            if conversation.channels == {TEXTED[0]} and len(texted) > 1:
                by[TEXTED[0]] = chance.choice(texted)
            under_way = _UnderWay(conversation, by, numbers, people, seed)
        step = under_way.step(at)
        if step.channel in changes and not step.pictures:
            step = replace(step, then=next(changes[step.channel]))
        yield step
        if under_way.left:
            heapq.heappush(waiting, (at + compressed(under_way.left[0].pause), count, under_way))


def _changes(kinds: Sequence[str]) -> Iterator[str]:
    """What is done to one text after another of an app: mostly nothing."""
    for number in itertools.count():
        kind, rest = divmod(number, CHANGED_EVERY)
        yield "" if rest else kinds[kind % len(kinds)]


def _shuffled(conversations: list[Conversation], chance: random.Random) -> Iterator[Conversation]:
    """All of them again and again, each time in another order."""
    while True:
        yield from chance.sample(conversations, len(conversations))


class _UnderWay:
    """A conversation that is being played, with people of its own."""

    def __init__(
        self,
        conversation: Conversation,
        by: Mapping[str, str],
        numbers: Numbers,
        people: Iterator[int],
        seed: int,
    ) -> None:
        self.left: list[Turn] = list(conversation.turns)
        self._by = by
        language = conversation.language if conversation.language in _SERVED else _SERVED[0]
        self._people: dict[str, Person] = {}
        for who, customer in conversation.customers.items():
            number = next(people)
            self._people[who] = Person(
                number=number,
                name=customer.name,
                region=customer.region,
                phone=numbers.next(customer.region),
                email=f"{who}.{seed}.{number}@customer.example",
                language=language,
                tells=frozenset(customer.tells),
            )

    def step(self, at: float) -> Step:
        """The next turn, at this moment."""
        turn = self.left.pop(0)
        person = self._people[turn.who]
        return Step(
            at=at,
            person=person,
            channel=self._by.get(turn.channel, turn.channel),
            text=turn.text.replace("{phone}", person.phone),
            pictures=tuple(turn.pictures),
            expects_answer=turn.expect is not None,
            last=not any(each.who == turn.who for each in self.left),
            mail=turn.mail,
        )
