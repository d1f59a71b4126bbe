"""Customers played against a real hub: with everything going wrong that can, the ledgers are equal; and what was
planted into them is found."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from hub.simulation.plan import CHANGES
from hub.simulation.players import PLAYERS
from hub.simulation.reconcile import reconcile
from hub.simulation.record import Tally
from hub.simulation.run import Options, Run, report
from hub.simulation.script import folder, load
from hub.simulation.table import Table
from tests.simulation.conftest import Firm

pytestmark = pytest.mark.timeout(1200)
CHANNELS = tuple(PLAYERS)


def play(firm: Firm, *, rate: float, seconds: float) -> tuple[Run, io.StringIO, list[str]]:
    """A run of all channels in which something of the menu happens to every message, and what it wrote."""
    script = load()
    names = {name for each in script for name in each.pictures}
    options = Options(
        hub_url=firm.hub.url,
        simulator_url=firm.simulator_url,
        inbox_key="demo",
        watcher=firm.watcher,
        channels=CHANNELS,
        rate=rate,
        seconds=seconds,
        seed=7,
        agents=(firm.agent,),
        faults="quick",
    )
    run = Run(
        options,
        script,
        {name: (folder() / f"{name}.jpg").read_bytes() for name in names},
        {channel: Tally() for channel in CHANNELS},
    )
    drawn, told = io.StringIO(), list[str]()
    asyncio.run(run.play(Table(drawn), told.append))
    return run, drawn, told


@pytest.fixture(scope="module")
def played(firm: Firm) -> tuple[Run, io.StringIO, list[str]]:
    return play(firm, rate=16.0, seconds=6.0)


def test_with_everything_going_wrong_nothing_is_lost_nothing_doubled_and_order_kept(
    played: tuple[Run, io.StringIO, list[str]],
) -> None:
    run, drawn, told = played
    result = reconcile(run.ledgers, run.messages, run.said)
    assert [str(each) for each in result.differences] == []
    # LINE takes a message for each picture, and a customer who is away answers by a robot.
    assert result.incoming >= sum(tally.accepted for tally in run.tallies.values()) > 60
    assert result.outgoing > 20
    assert len(run.tallies) == 9
    figures = report(run, result)
    for channel, tally in run.tallies.items():
        assert tally.sent == tally.accepted, f"{channel}: {run.said}"
        assert tally.answered > 0
        assert len(tally.latencies) == tally.accepted
        assert figures["channels"][channel]["visible_ms"]["samples"] == tally.accepted
        assert channel in drawn.getvalue()
    assert told[0].startswith("Seed 7")
    assert (figures["lost"], figures["doubled"], figures["differences"]) == (0, 0, [])
    changed = [(ledger.channel, do) for ledger in run.ledgers for do, _ in ledger.changed.values()]
    assert {do for _, do in changed} == {"edit", "take_back", "react"}
    assert {channel for channel, _ in changed} == CHANGES.keys()
    assert figures["channels"]["sms"]["ratio"] >= 1


def test_the_same_holds_on_postgresql_with_redis_and_a_worker(scaled_firm: Firm) -> None:
    run, _, _ = play(scaled_firm, rate=12.0, seconds=3.0)
    result = reconcile(run.ledgers, run.messages, run.said)
    assert [str(each) for each in result.differences] == []
    assert result.incoming >= sum(tally.accepted for tally in run.tallies.values()) > 20
    assert result.outgoing > 10
    for channel, tally in run.tallies.items():
        assert tally.sent == tally.accepted, f"{channel}: {run.said}"


@pytest.mark.parametrize("number", range(len(CHANNELS)), ids=CHANNELS)
def test_a_planted_loss_and_a_planted_double_are_found(played: tuple[Run, io.StringIO, list[str]], number: int) -> None:
    run, _, _ = played
    ledger = run.ledgers[number]

    def kinds(changed: object, messages: object = None) -> set[tuple[str, str]]:
        ledgers = [changed if each is ledger else each for each in run.ledgers]
        result = reconcile(ledgers, messages or run.messages, run.said)  # type: ignore[arg-type]
        return {(each.kind, each.where) for each in result.differences}

    # The hub has lost what the ledger has.
    (gone, _), *_ = ledger.accepted
    assert ("lost", "to the hub") in kinds(ledger, [each for each in run.messages if each.provider_id != gone])
    # The hub has it twice.
    (copy,) = (each for each in run.messages if each.provider_id == gone)
    assert ("doubled", "to the hub") in kinds(ledger, [*run.messages, replace(copy, id="another")])
    # The customer never got what the hub says it sent; got it twice; got what nobody sent.
    sent = {each.key for each in run.messages if each.state in ("sent", "delivered", "read")}
    got = next(each for each in ledger.received if each.provider_id in sent)
    others = [each for each in ledger.received if each is not got]
    assert kinds(replace(ledger, received=others)) == {("lost", "to the customer")}
    assert kinds(replace(ledger, received=[*ledger.received, got])) >= {("doubled", "to the customer")}
    again = replace(got, provider_id="SMagain")
    assert kinds(replace(ledger, received=[*ledger.received, again])) == {("doubled", "to the customer")}
    for changed in list(ledger.changed)[:1]:
        left = {**ledger.changed, changed: ("edit", "what they never wrote")}
        assert kinds(replace(ledger, changed=left)) == {("unchanged", "to the hub")}
    strange = replace(again, text="what nobody wrote")
    assert kinds(replace(ledger, received=[*ledger.received, strange])) == {("invented", "to the customer")}


def test_the_command_says_how_it_went_and_writes_its_result(firm: Firm, tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    done = firm.hub.command(
        *("simulate", "--rate", "5", "--minutes", "0.05", "--channels", "webchat", "--seed", "3", "--json", str(result))
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 lost, 0 doubled, 0 out of order" in done.stdout
    figures = json.loads(result.read_text())
    assert figures["channels"]["webchat"]["sent"] == figures["reconciled"]["to_the_hub"] > 3
    assert figures["seed"] == 3


def test_the_command_fails_where_something_is_not_as_it_should_be(firm: Firm) -> None:
    """The provider takes nothing: at the end messages are still on their way."""
    firm.fault(where="send", do="refuse", status=500, times=None)
    try:
        done = firm.hub.command(
            *("simulate", "--rate", "5", "--minutes", "0.05", "--channels", "sms", "--seed", "4", "--drain", "0")
        )
    finally:
        firm.clear_faults()
    assert done.returncode == 1, done.stdout + done.stderr
    assert "unfinished to the customer (sms)" in done.stdout
