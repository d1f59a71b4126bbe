"""How inboxes are: what is heard of their providers, what those say when they are asked, tokens that end."""

from __future__ import annotations

import logging
from functools import partial
from typing import Literal

from hub.domain.errors import ChannelError, HubError, Refused
from hub.domain.inbox import AccountState, Inbox
from hub.hub import Hub
from hub.ports import Account, EndingToken, Registrar
from hub.store.queries import inbox_health as queries
from hub.store.unit_of_work import Tx

log = logging.getLogger(__name__)

_NOTED_EVERY = 30_000_000
DAY = 24 * 3_600_000_000
# A token is exchanged once a week: a new one lasts two months, so that eight attempts go wrong before it ends.
RENEW_EVERY = 7 * DAY
# A token that ends so soon should worry somebody.
ENDS_SOON = 7 * DAY


def is_due(hub: Hub, inbox_id: str, what: Literal["heard", "sent"]) -> bool:
    """Whether it is to be noted that the provider has called, and was believed, or has taken a message: not always."""
    return hub.seldom.due(f"{what}:{inbox_id}", hub.clock.now(), _NOTED_EVERY)


def heard(tx: Tx, inbox_id: str) -> None:
    """Notes that, in the transaction of what the provider called for: the provider waits for no second one."""
    queries.note(tx, inbox_id, heard_at=tx.now)


def sent(tx: Tx, inbox_id: str) -> None:
    """Notes that the provider has taken a message, in the transaction of what it answered."""
    queries.note(tx, inbox_id, sent_at=tx.now)


def refused(hub: Hub, inbox_id: str, why: str) -> None:
    """Somebody has called who was not believed."""
    if hub.seldom.due(f"refused:{inbox_id}", hub.clock.now(), _NOTED_EVERY):
        hub.store.write(lambda tx: queries.note(tx, inbox_id, refused_at=tx.now, refusal=why[:500]))


def check(hub: Hub, inbox: Inbox, *, register: bool = False) -> AccountState | None:
    """Asks the provider how the account is, and keeps the answer. `register`: tells it first where to call, if it is
    told so by a call.

    Returns None where there is nobody to ask. Raises ChannelError, or Refused where the inbox's settings are wrong;
    both are kept.
    """
    try:
        channel = hub.channel_of(inbox)
        if register and isinstance(channel, Registrar):
            channel.register()
        if not isinstance(channel, Account):
            return None
        state = channel.account()
    except (ChannelError, Refused) as error:
        code, words = (error.code, str(error)) if isinstance(error, ChannelError) else ("settings", str(error))
        hub.store.write(lambda tx: queries.failed(tx, inbox.id, code, words))
        raise
    hub.store.write(lambda tx: queries.checked(tx, inbox.id, state))
    return state


def look_after(hub: Hub) -> None:
    """Once a day for each inbox, whoever comes first: its token exchanged where it ends, and its provider asked."""
    for inbox in hub.inboxes.every():
        if inbox.disabled or not hub.seldom.due(f"look:{inbox.id}", hub.clock.now(), DAY // 24):
            continue
        if not hub.store.write(partial(queries.take_check, inbox_id=inbox.id, lasts=DAY)):
            continue
        try:
            _renew(hub, inbox)
            check(hub, inbox)
        except (HubError, KeyError) as error:
            log.warning("the provider of inbox %s does not say that all is well: %s", inbox.name, error)


def _renew(hub: Hub, inbox: Inbox) -> None:
    channel = hub.channel_of(inbox)
    with hub.store.read() as connection:
        before = queries.get(connection, inbox.id)
    if not isinstance(channel, EndingToken) or hub.clock.now() - before.renewed_at < RENEW_EVERY:
        return
    until = channel.renew_token()
    hub.store.write(lambda tx: queries.renewed(tx, inbox.id, until))
    hub.inboxes.forget()
