"""How sure an inbox's answers must be, and how often it asks before a person does."""

from __future__ import annotations

import json
from dataclasses import asdict

from hub.domain.bot_policy import Policy, Thresholds
from hub.store import tables as t
from hub.store.queries import staffing
from hub.store.unit_of_work import Tx


def set_rules(tx: Tx, inbox_id: str, thresholds: Thresholds, policy: Policy) -> None:
    """Sets an inbox's thresholds and policy. Raises NotFound for an unknown inbox."""
    settings = staffing.inbox_settings(tx, inbox_id)
    rules = {**settings.get("rules", {}), "thresholds": asdict(thresholds), "policy": asdict(policy)}
    tx.change(t.inbox, {"id": inbox_id}, {"settings": json.dumps(settings | {"rules": rules}, ensure_ascii=False)})
