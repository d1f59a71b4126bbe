"""An inbox's secrets: kept encrypted, changed one at a time."""

from __future__ import annotations

import json

from hub.store import tables as t
from hub.store.queries import inboxes
from hub.store.secret_box import SecretBox
from hub.store.unit_of_work import Tx


def keep(tx: Tx, box: SecretBox, inbox_id: str, name: str, value: str) -> None:
    """Changes one secret, or adds it; the others stay as they are. Raises NotFound."""
    sealed = inboxes.sealed_secrets(tx, inbox_id)
    secrets = json.loads(box.open(sealed)) if sealed else {}
    tx.change(t.inbox, {"id": inbox_id}, {"secrets": box.seal(json.dumps(secrets | {name: value}))})
