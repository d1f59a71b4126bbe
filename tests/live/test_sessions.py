"""A screen whose agent may not look on any more is cut off, without having to say anything."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from hub.live.gate import Connection
from hub.live.push import LivePush
from hub.live.sockets import AGENTS, Agents, Member
from hub.services import people, sign_in
from hub.services.sign_in import SignedIn
from hub.store import tables as t
from hub.store.queries.people import Session
from tests.fixtures_hub import TEAM, World


@dataclass
class Watching:
    """An agent's screen that was let in."""

    world: World
    agents: Agents
    signed_in: SignedIn
    theirs: socket.socket

    def is_cut(self) -> bool:
        self.agents.recheck()
        try:
            return self.theirs.recv(1) == b""
        except BlockingIOError:
            return False


@pytest.fixture
def watching(world: World) -> Iterator[Watching]:
    password_hash = sign_in.hash_password("correct horse battery")
    world.store.write(
        lambda tx: people.create_agent(
            tx,
            name="Zoe",
            email="zoe@example.org",
            role="agent",
            language="en",
            password_hash=password_hash,
            team_ids=(TEAM,),
        )
    )
    signed_in = sign_in.sign_in(world.store, "zoe@example.org", "correct horse battery", "127.0.0.1")
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    agents = Agents(AGENTS, world.hub, LivePush(world.store))
    agents.members["sid"] = Member(signed_in.agent_id, "agents", Connection(ours), session=signed_in.token)
    yield Watching(world, agents, signed_in, theirs)
    ours.close()
    theirs.close()


def test_who_is_signed_in_stays(watching: Watching) -> None:
    assert not watching.is_cut()
    watching.world.clock.pass_time(3600 * 1_000_000)
    assert not watching.is_cut()


def current(world: World, signed_in: SignedIn) -> Session:
    with world.store.read() as connection:
        session = sign_in.current(connection, signed_in.token, world.clock.now())
    assert session is not None
    return session


def sign_out(world: World, session: Session) -> None:
    world.store.write(lambda tx: sign_in.sign_out(tx, session))


@pytest.mark.parametrize(
    "end",
    [
        lambda world, signed_in: sign_out(world, current(world, signed_in)),
        lambda world, signed_in: world.store.write(
            lambda tx: tx.change(t.agent, {"id": signed_in.agent_id}, {"disabled": 1})
        ),
        lambda world, signed_in: world.store.write(
            lambda tx: tx.change(t.agent, {"id": signed_in.agent_id}, {"role": "editor"})
        ),
        lambda world, _: world.clock.pass_time(sign_in.IDLE + 1),
    ],
    ids=["signed out", "disabled", "another role", "expired"],
)
def test_who_may_not_look_on_is_cut_off(watching: Watching, end: Callable[[World, SignedIn], object]) -> None:
    end(watching.world, watching.signed_in)
    assert watching.is_cut()
