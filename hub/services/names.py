"""What customers are called, where their messages do not say: asked of the provider, beside."""

from __future__ import annotations

from functools import partial

from hub.domain.inbox import HOUR, Inbox
from hub.domain.messages import Address, Echo, InboundMessage, Parsed
from hub.hub import Hub
from hub.ports import Channel, Names
from hub.services import contacts
from hub.store import tables as t
from hub.store.queries import attention
from hub.store.unit_of_work import Tx

_LONGEST = 200


def look_up(hub: Hub, inbox: Inbox, channel: Channel, parsed: Parsed) -> None:
    """Finds out the names of whoever has just written. Nobody waits for it; where it goes wrong, the next message an
    hour later asks again."""
    if not isinstance(channel, Names):
        return
    for event in parsed.events:
        message = event.message if isinstance(event, Echo) else event
        if not isinstance(message, InboundMessage) or message.address.display_name:
            continue
        address = message.address
        if hub.seldom.due(f"name:{address.channel}:{address.scope}:{address.value}", hub.clock.now(), HOUR):
            hub.aside(partial(_find, hub, inbox, channel, address))


def _find(hub: Hub, inbox: Inbox, channel: Names, address: Address) -> None:
    """Raises ChannelError."""
    region = contacts.region_of(inbox)
    with hub.store.read() as connection:
        known = attention.nameless(connection, contacts.canonical(address, region))
    if known is None:
        return
    name = channel.name_of(address).strip()[:_LONGEST]
    if not name:
        return

    def use_case(tx: Tx) -> None:
        identity_id, contact_id = known
        tx.change(t.identity, {"id": identity_id}, {"display_name": name})
        # Whoever has a name by now (an agent gave it, another channel told it) keeps that.
        tx.change(t.contact, {"id": contact_id, "name": ""}, {"name": name})

    hub.store.write(use_case)
