"""The mailbox against the store: whatever was read is stored, or refused with its reason, or it is named here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hub.domain.errors import Refused
from hub.domain.inbox import Inbox
from hub.hub import Hub
from hub.ports import Lying, Postbox
from hub.store.queries import listening, sources
from hub.store.queries.sources import Source


@dataclass(frozen=True, slots=True)
class Comparison:
    """What lies in a mailbox and what is known of it.

    `before` and `waiting` count mails from before the inbox was connected and those that are still to be read; `read`
    counts the others. `missing` are those of them that nothing is known of; `refused` those that were not let in, with
    the reason. `states` counts everything that the inbox ever fetched, also what no longer lies there. `emptied` are
    sources whose message is gone.
    """

    before: int
    waiting: int
    read: int
    missing: tuple[Lying, ...]
    refused: tuple[Source, ...]
    states: Mapping[str, int]
    emptied: tuple[Source, ...]

    @property
    def is_equal(self) -> bool:
        """Whether everything that was read is accounted for."""
        return not self.missing and not self.emptied


def compare(hub: Hub, inbox: Inbox) -> Comparison:
    """Looks into the mailbox and the store. Raises Refused for an inbox without a mailbox, ChannelError."""
    channel = hub.channel_of(inbox)
    if not isinstance(channel, Postbox):
        raise Refused("inbox", "must be one of the channel email")
    with hub.store.read() as connection:
        memory = listening.memory(connection, inbox.id)
    lying = tuple(channel.inventory(memory))
    # The store after the mailbox: what is read meanwhile is then known.
    with hub.store.read() as connection:
        read = [each for each in lying if each.place == "read"]
        known = sources.known_origins(connection, inbox.id, (each.origin for each in read))
        return Comparison(
            before=sum(each.place == "before" for each in lying),
            waiting=sum(each.place == "waiting" for each in lying),
            read=len(read),
            missing=tuple(each for each in read if each.origin not in known),
            refused=sources.page(connection, inbox.id, state="refused", before="", limit=1000),
            states=sources.counts(connection, inbox.id),
            emptied=sources.stored_without_message(connection, inbox.id),
        )
