"""Messages on their way out, and what providers say of them."""

from __future__ import annotations

import logging

from hub.domain import events as e
from hub.domain.errors import ChannelError, DoNotContact
from hub.domain.messages import Delivery, DeliveryUpdate, Receipt, further
from hub.hub import Hub
from hub.services import consent
from hub.services.work import Work, nothing
from hub.store import tables as t
from hub.store.queries import sending
from hub.store.unit_of_work import Tx, UseCase

log = logging.getLogger(__name__)


def report(tx: Tx, inbox_id: str, update: DeliveryUpdate) -> bool:
    """Takes a provider's report. Returns whether it changed anything: late and repeated ones do not."""
    found = sending.reported(tx.connection, inbox_id, update)
    if found is None or further(found[2], update.state) is found[2]:
        return False
    tx.conversation(found[1])  # locked: a copy of this report that was under way has said it by now
    found = sending.reported(tx.connection, inbox_id, update)
    if found is None or further(found[2], update.state) is found[2]:
        return False
    message_id, conversation_id, _ = found
    tx.record(conversation_id, e.DeliveryChanged(message_id, update.state.value, update.error_code))
    if update.error_text:
        tx.change(t.message, {"id": message_id}, {"error_text": update.error_text})
    return True


def seen(tx: Tx, inbox_id: str, channel: str, address: str, message_id: str, state: Delivery) -> int:
    """The customer's screen has got (`delivered`) or shown (`read`) everything up to a message.

    Returns how many messages that changed.
    """
    below = tuple(each.value for each in Delivery if further(each, state) is not each)
    behind = sending.unread_by(tx.connection, inbox_id, channel, address, message_id, below)
    for each, conversation_id, _ in behind:
        tx.record(conversation_id, e.DeliveryChanged(each, state.value))
    return len(behind)


def deliver(hub: Hub, work: Work) -> UseCase[None]:
    """Job: hands a message to its channel.

    `sending` is committed first. Where a crash came between the provider's answer and our commit, the second run finds
    that state, and sends again only where the provider takes our id as idempotency key; elsewhere it says `unknown`.

    Raises ChannelError to be tried again later.
    """
    event = work.recorded.event
    assert isinstance(event, e.MessageQueued)  # noqa: S101  # the table of handlers says so
    with hub.store.read() as connection:
        job = sending.sending(connection, event.message_id)
    inbox = hub.inboxes.by_id(job.inbox_id)
    conversation_id = job.message.conversation_id
    if job.state not in (Delivery.QUEUED, Delivery.SENDING):
        return nothing
    channel = hub.channel_of(inbox)
    if job.state is Delivery.SENDING and work.interrupted and not channel.capabilities.idempotent_send:
        return _outcome(conversation_id, event.message_id, Delivery.UNKNOWN, "interrupted", "")
    if job.forbidden:
        return _outcome(conversation_id, event.message_id, Delivery.FAILED, DoNotContact.error_id, "")
    if job.state is Delivery.QUEUED:
        hub.store.write(
            lambda tx: tx.record(conversation_id, e.DeliveryChanged(event.message_id, Delivery.SENDING.value))
        )
    try:
        receipt = channel.send(job.message)
    except ChannelError as error:
        if error.unknown and not channel.capabilities.idempotent_send:
            return _outcome(conversation_id, event.message_id, Delivery.UNKNOWN, error.code, str(error))
        if error.opted_out:
            return _opted_out(job, error)
        if error.permanent or work.last_attempt:
            return _outcome(conversation_id, event.message_id, Delivery.FAILED, error.code, str(error))
        raise
    except Exception as error:
        # The channel broke its promise, perhaps while it read the provider's answer: nobody knows what was sent.
        if channel.capabilities.idempotent_send:
            raise
        log.exception("the channel %s failed on message %s", inbox.channel, event.message_id)
        return _outcome(conversation_id, event.message_id, Delivery.UNKNOWN, "channel_failed", type(error).__name__)
    return _sent(conversation_id, event.message_id, receipt)


def _sent(conversation_id: str, message_id: str, receipt: Receipt) -> UseCase[None]:
    def use_case(tx: Tx) -> None:
        tx.record(conversation_id, e.DeliveryChanged(message_id, receipt.state.value))
        tx.change(t.message, {"id": message_id}, {"provider_id": receipt.provider_id})

    return use_case


def _opted_out(job: sending.Sending, error: ChannelError) -> UseCase[None]:
    """The customer told the provider, not us: it goes on the same list."""
    conversation_id, message_id = job.message.conversation_id, job.message.message_id

    def use_case(tx: Tx) -> None:
        _outcome(conversation_id, message_id, Delivery.FAILED, error.code, str(error))(tx)
        consent.withdraw(tx, conversation_id, job.identity_id, consent.PROVIDER, inbox_id=job.inbox_id)

    return use_case


def _outcome(conversation_id: str, message_id: str, state: Delivery, code: str, text: str) -> UseCase[None]:
    def use_case(tx: Tx) -> None:
        tx.record(conversation_id, e.DeliveryChanged(message_id, state.value, code))
        tx.change(t.message, {"id": message_id}, {"error_text": text[:500]})

    return use_case
