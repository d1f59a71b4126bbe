"""Connecting inboxes."""

from __future__ import annotations

import json
import secrets as tokens
from collections.abc import Mapping
from typing import Any

from hub.domain.errors import Refused
from hub.store import tables as t
from hub.store.queries import people
from hub.store.secret_box import SecretBox
from hub.store.unit_of_work import Tx


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
