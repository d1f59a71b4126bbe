"""What is promised to customers: policies, open hours, and the announcing of promises that are about to be broken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hub.domain import hours, sla
from hub.domain.errors import NotFound
from hub.services import public_holidays
from hub.store import tables as t
from hub.store.queries import rules
from hub.store.unit_of_work import Tx


def announce(tx: Tx, conversation_id: str) -> None:
    """Records the warnings and breaches of a conversation whose time has come: each once, also long after it."""
    while event := sla.announcement(tx.conversation(conversation_id), tx.now, tx.terms):
        tx.record(conversation_id, event)


def set_hours(
    tx: Tx, owner: str, stated: Mapping[str, Any] | None, agent_id: str, *, country: str = "", region: str = ""
) -> str:
    """States when an inbox or a team is open. Returns the version's id.

    Conversations that are open go on with the hours that they began with, until they change hands.

    Args:
        tx: the transaction.
        owner: `inbox:ID` or `team:ID`.
        stated: `zone`, `week` and `exceptions` (see `hub.domain.hours`); None: no hours are stated any more.
        agent_id: who says so.
        country: whose public holidays are closed (ISO 3166), empty: nobody's.
        region: of the country, as the library `holidays` names it.

    Raises:
        Refused: hours that are none, or no such country or region.
        NotFound: no such inbox or team.
    """
    if not rules.is_owner(tx.connection, owner):
        raise NotFound(f"there is no {owner.replace(':', ' ')}")
    version = tx.new_id()
    data = ""
    if stated is not None:
        # The dates are kept with the version: the same deadline comes out whatever a later library says.
        days = public_holidays.dates(country, region, tx.now) if country else ()
        read = hours.from_data({**stated, "holidays": [day.isoformat() for day in days]})
        data = json.dumps(hours.to_data(read), separators=(",", ":"))
    values = {"id": version, "owner": owner, "data": data, "country": country, "region": region}
    tx.add(t.opening_hours, values | {"agent_id": agent_id, "at": tx.now})
    return version


def save_policy(tx: Tx, stated: Mapping[str, Any], agent_id: str, *, policy_id: str = "", position: int = 0) -> str:
    """A new policy, or a new version of one. Returns the policy's id.

    It counts for conversations that begin, change hands or change their priority from now on.

    Args:
        tx: the transaction.
        stated: see `hub.domain.sla.from_data`.
        agent_id: who says so.
        policy_id: of the policy that changes; empty: a new one.
        position: its place among the policies; the first that covers a conversation counts.

    Raises:
        Refused: what is no policy.
        NotFound: no such policy to change.
    """
    policy = sla.from_data(stated)
    if policy_id and rules.policy(tx.connection, policy_id) is None:
        raise NotFound(f"there is no policy {policy_id}")
    version = tx.new_id()
    policy_id = policy_id or version
    data = json.dumps(sla.to_data(policy), ensure_ascii=False, separators=(",", ":"))
    values = {"id": version, "policy_id": policy_id, "position": position, "data": data}
    tx.add(t.sla_policy, values | {"agent_id": agent_id, "at": tx.now})
    return policy_id


def withdraw_policy(tx: Tx, policy_id: str, agent_id: str) -> None:
    """A policy that counts for no further conversation. Raises NotFound."""
    found = rules.policy(tx.connection, policy_id)
    if found is None:
        raise NotFound(f"there is no policy {policy_id}")
    values = {"id": tx.new_id(), "policy_id": policy_id, "position": found.position, "data": json.dumps(found.data)}
    tx.add(t.sla_policy, values | {"withdrawn": 1, "agent_id": agent_id, "at": tx.now})
