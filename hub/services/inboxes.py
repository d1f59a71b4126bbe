"""Connecting inboxes."""

from __future__ import annotations

import json
import secrets as tokens
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hub.domain import channel_setup
from hub.domain.channel_setup import Setup
from hub.domain.errors import NotFound, Refused
from hub.domain.inbox import Inbox
from hub.hub import Hub
from hub.store import tables as t
from hub.store.queries import inboxes as queries
from hub.store.queries import people, stops
from hub.store.secret_box import SecretBox
from hub.store.unit_of_work import Tx

# Why nothing leaves by an inbox that an administrator has switched off.
DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Filled:
    """What an administrator filled in for an inbox.

    `settings` are the declared ones by their names, all of them: what is not there is not set. Of `secrets` those that
    are given change, an empty one goes, the others stay. `made` names secrets that the hub is to make anew.
    """

    name: str
    team_id: str
    bot: bool
    receipts: bool
    settings: Mapping[str, Any]
    secrets: Mapping[str, str]
    made: Sequence[str] = ()


def connect(
    tx: Tx,
    box: SecretBox,
    *,
    channel: str,
    name: str,
    team: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
) -> str:
    """A new inbox. Returns its public key, which stands in the address that the provider calls.

    Args:
        box: seals the secrets.
        channel: as an installed package has registered it.
        name: as agents see it.
        team: the name of the team that answers.
        settings: the channel's own.
        secrets: the channel's own.

    Raises:
        Refused: no name, or no such team.
    """
    if not name.strip():
        raise Refused("name", "must not be empty")
    team_id = next((each.id for each in people.teams(tx.connection) if each.name == team), "")
    if not team_id:
        raise Refused("team", "must be the name of a team")
    key = tokens.token_urlsafe(16)
    values = {"id": tx.new_id(), "key": key, "name": name, "channel": channel, "team_id": team_id}
    sealed = box.seal(json.dumps(dict(secrets))) if secrets else ""
    tx.add(t.inbox, values | {"settings": json.dumps(dict(settings)), "secrets": sealed})
    return key


def add(hub: Hub, channel: str, filled: Filled) -> tuple[str, dict[str, str]]:
    """A new inbox. Returns its id, and the secrets that were made for it, which are never shown again.

    Raises NotFound for no such kind, and Refused for no such team and for what breaks a rule of the channel's.
    """
    key = tokens.token_urlsafe(16)
    inbox, secrets, made = _filled(hub, Inbox("", key, "", channel, ""), {}, filled)

    def use_case(tx: Tx) -> str:
        _require_team(tx, filled.team_id)
        values = {"id": tx.new_id(), "key": key, "name": filled.name.strip(), "channel": channel}
        tx.add(t.inbox, values | {"team_id": filled.team_id, **_row(hub, inbox, secrets)})
        return str(values["id"])

    inbox_id = hub.store.write(use_case)
    hub.inboxes.forget()
    return inbox_id, made


def change(hub: Hub, inbox_id: str, filled: Filled) -> dict[str, str]:
    """Other settings of an inbox. Returns the secrets that were made. Raises as `add`, and NotFound."""
    with hub.store.read() as connection:
        before = queries.get(connection, inbox_id)
    opened = json.loads(hub.box.open(before.sealed_secrets)) if before.sealed_secrets else {}
    inbox, secrets, made = _filled(hub, before, opened, filled)

    def use_case(tx: Tx) -> None:
        _require_team(tx, filled.team_id)
        values = {"name": filled.name.strip(), "team_id": filled.team_id, **_row(hub, inbox, secrets)}
        tx.change(t.inbox, {"id": inbox_id}, values)

    hub.store.write(use_case)
    hub.inboxes.forget()
    return made


def switch(hub: Hub, inbox_id: str, *, on: bool) -> None:
    """Switches an inbox off, or on again. Off, nothing is taken in, and what is to leave waits. Raises NotFound."""

    def use_case(tx: Tx) -> None:
        inbox = queries.get(tx.connection, inbox_id)
        if inbox.disabled is not on:
            return
        settings = queries.raw_settings(tx.connection, inbox_id)
        rules = settings.get("rules", {}) | {"disabled": not on}
        tx.change(t.inbox, {"id": inbox_id}, {"settings": json.dumps(settings | {"rules": rules})})
        if on:
            stops.lift(tx, inbox_id)
        else:
            stops.stop(tx, inbox_id, DISABLED, "", tries=False)

    hub.store.write(use_case)
    hub.inboxes.forget()


def secret_names(hub: Hub, inbox: Inbox) -> list[str]:
    """Which secrets an inbox has."""
    return sorted(json.loads(hub.box.open(inbox.sealed_secrets))) if inbox.sealed_secrets else []


def setup_of(hub: Hub, channel: str) -> Setup:
    """What is filled in for a kind of inbox. Raises NotFound."""
    found = hub.catalogue.kinds().get(channel)
    if found is None:
        raise NotFound(f"no installed package speaks the channel {channel}")
    return found


def _filled(
    hub: Hub, inbox: Inbox, before: Mapping[str, str], filled: Filled
) -> tuple[Inbox, dict[str, str], dict[str, str]]:
    """The inbox with new settings, its secrets, and those of them that were made; tried with the channel itself."""
    if not filled.name.strip():
        raise Refused("name", "must not be empty")
    setup = setup_of(hub, inbox.channel)
    given = {name: value.strip() for name, value in filled.secrets.items()}
    secrets = {name: value for name, value in {**before, **given}.items() if value}
    makeable = [field.name for field in setup.fields if field.made]
    wanted = {name for name in makeable if name in filled.made or name not in secrets}
    made = {name: tokens.token_urlsafe(32) for name in makeable if name in wanted}
    secrets |= made
    known = {field.name for field in setup.fields if field.secret} | given.keys()
    setup.checked(filled.settings, {name: value for name, value in secrets.items() if name in known})
    settings = channel_setup.put_into(inbox.settings, filled.settings, setup.fields)
    changed = replace(inbox, settings=settings, bot=filled.bot, receipts=filled.receipts)
    hub.catalogue.make(changed, secrets)
    return changed, secrets, made


def _row(hub: Hub, inbox: Inbox, secrets: Mapping[str, str]) -> dict[str, str]:
    rules: dict[str, Any] = {}
    if inbox.id:
        with hub.store.read() as connection:
            rules = queries.raw_settings(connection, inbox.id).get("rules", {})
    rules = rules | {"bot": inbox.bot, "receipts": inbox.receipts}
    settings = json.dumps({**inbox.settings, "rules": rules}, ensure_ascii=False)
    return {"settings": settings, "secrets": hub.box.seal(json.dumps(dict(secrets))) if secrets else ""}


def _require_team(tx: Tx, team_id: str) -> None:
    if team_id not in {each.id for each in people.teams(tx.connection)}:
        raise Refused("team_id", "must be a team")
