"""The command's words: what is missing and what is wrong is said, in one line."""

from __future__ import annotations

import argparse

import pytest

from hub.domain.errors import Refused, Unavailable
from hub.simulation import command
from hub.simulation.hub_api import Login
from tests import parts

NOBODY = Login("nobody@example.org", "a password")


def simulate(*words: str, hub_url: str = "http://127.0.0.1:9", simulator_url: str = "http://127.0.0.1:9") -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(
        parser.parse_args(words),
        hub_url=hub_url,
        simulator_url=simulator_url,
        inbox_key="demo",
        watcher=NOBODY,
        agents=[NOBODY],
    )


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("--rate", "0"), "--rate"),
        (("--rate", "nan"), "--rate"),
        (("--rate", "100000"), "--rate"),
        (("--minutes", "-1"), "--minutes"),
        (("--minutes", "inf"), "--minutes"),
        (("--channels", "telegraph"), "--channels"),
        (("--channels", ","), "--channels"),
        (("--customers", "-1"), "--customers"),
        (("--down", "webchat"), "--down"),
        (("--channels", "sms", "--down", "line"), "--down"),
        (("--agents", "-1"), "--agents"),
        (("--agents", "1000"), "--agents"),
        (("--drain", "-1"), "--drain"),
    ],
)
def test_an_option_that_breaks_its_rule_is_named(words: tuple[str, ...], field: str) -> None:
    with pytest.raises(Refused) as refused:
        simulate(*words)
    assert refused.value.field == field


def test_without_a_hub_it_says_how_to_start_one() -> None:
    url = f"http://127.0.0.1:{parts.free_port()}"
    with pytest.raises(Unavailable, match="make run") as missing:
        simulate(hub_url=url)
    assert url in str(missing.value)
    assert "CENTRALITA_PUBLIC_URL" in str(missing.value)
