"""Secrets that change while the hub runs."""

from __future__ import annotations

import pytest

from hub.app import Channels
from hub.domain.errors import NotFound
from hub.fetcher import PublicFetcher
from hub.ports import ChannelParts
from hub.services import inbox_secrets
from hub.testing.fakes import PaperChannel
from tests.fixtures_hub import PAPER, World


def test_a_secret_is_changed_and_the_others_stay(world: World) -> None:
    keep, box = inbox_secrets.keep, world.hub.box
    world.store.write(lambda tx: keep(tx, box, PAPER, "password", "one"))
    world.store.write(lambda tx: keep(tx, box, PAPER, "refresh_token", "first"))
    world.store.write(lambda tx: keep(tx, box, PAPER, "refresh_token", "second"))
    sealed = world.inbox().sealed_secrets
    assert box.open(sealed) == '{"password": "one", "refresh_token": "second"}'
    assert "second" not in sealed


def test_an_inbox_that_is_not_there_keeps_none(world: World) -> None:
    with pytest.raises(NotFound):
        world.store.write(lambda tx: inbox_secrets.keep(tx, world.hub.box, "nowhere", "a", "b"))


def test_a_channel_that_keeps_a_secret_is_made_anew_with_it(world: World) -> None:
    made: list[ChannelParts] = []

    def make(parts: ChannelParts) -> PaperChannel:
        made.append(parts)
        return PaperChannel()

    channels = Channels(
        world.store,
        world.hub.files,
        world.hub.box,
        world.clock,
        PublicFetcher(()),
        "https://hub.example",
        {"paper": make},
    )
    channels(world.inbox())
    channels(world.inbox())
    assert len(made) == 1
    made[0].keep_secret("refresh_token", "new")
    channels(world.inbox())
    assert made[1].secrets == {"refresh_token": "new"}
