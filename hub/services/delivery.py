"""Messages on their way out, and what providers say of them."""

from __future__ import annotations

import logging
from dataclasses import replace

from hub import failpoints
from hub.domain import events as e
from hub.domain.errors import ChannelError, DoNotContact
from hub.domain.messages import (
    AccountTrouble,
    Delivery,
    DeliveryUpdate,
    OutboundMessage,
    Receipt,
    further,
)
from hub.domain.reply_window import tag_for
from hub.hub import Hub
from hub.ports import Capabilities, Channel, ManySenders, Reconciler
from hub.services import attachments, changes, consent, inbox_health, letters, vendor_page, vendors, verification
from hub.services.work import Wait, Work, asked_pause, nothing
from hub.store import tables as t
from hub.store.queries import pacing, reply_window, sending, stops
from hub.store.unit_of_work import Tx, UseCase

log = logging.getLogger(__name__)

# A message's error where it was too late to answer and it is no template.
WINDOW_CLOSED = "window_closed"


def report(tx: Tx, inbox_id: str, update: DeliveryUpdate) -> bool:
    """Takes a provider's report. Returns whether it changed anything: late and repeated ones do not.

    One that echoes our id may come before the provider's answer to our send is stored: it brings the provider's id.
    """
    found = sending.reported(tx.connection, inbox_id, update)
    if found is None or further(found.state, update.state) is found.state:
        return False
    tx.conversation(found.conversation_id)  # locked: a copy of this report that was under way has said it by now
    found = sending.reported(tx.connection, inbox_id, update)
    if found is None or further(found.state, update.state) is found.state:
        return False
    tx.record(found.conversation_id, e.DeliveryChanged(found.message_id, update.state.value, update.error_code))
    said = {"error_text": update.error_text[:500], "provider_id": found.provider_id or update.provider_id or None}
    if said != {"error_text": found.error_text, "provider_id": found.provider_id}:
        tx.change(t.message, {"id": found.message_id}, said)
    if update.opted_out:
        consent.withdraw(tx, found.conversation_id, found.identity_id, consent.PROVIDER, inbox_id=inbox_id)
    if update.account:
        # Each try would cost a message, for the provider takes it first and refuses it later: a person has to say so.
        stops.stop(tx, inbox_id, update.error_code, update.error_text, tries=False)
    return True


def trouble(tx: Tx, inbox_id: str, said: AccountTrouble) -> bool:
    """The provider says whether the account may send. Returns whether that is news."""
    if not said.code:
        return stops.lift(tx, inbox_id)
    found = stops.get(tx.connection, inbox_id)
    if found is not None and not found.try_at:
        return False
    stops.stop(tx, inbox_id, said.code, said.text, tries=False)
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


def deliver(hub: Hub, work: Work) -> UseCase[None] | Wait:
    """Job: hands a message to its channel, when it is its turn to leave by its sender.

    `sending` is committed first. Where a crash came between the provider's answer and our commit, the second run finds
    that state, and sends again only where the provider takes our id as idempotency key; elsewhere it looks the message
    up with the provider, and says `unknown` where that cannot be done or finds nothing.

    Raises ChannelError to be tried again later: nothing has left then.
    """
    event = work.recorded.event
    assert isinstance(event, e.MessageQueued | e.VendorAsked)  # noqa: S101  # the table of handlers says so
    find = sending.to_vendor if isinstance(event, e.VendorAsked) else sending.sending
    with hub.store.read() as connection:
        job = find(connection, event.message_id)
        stop = stops.get(connection, job.inbox_id)
        said = reply_window.said(connection, job.identity_id, job.inbox_id)
    channel = hub.channel_of(hub.inboxes.by_id(job.inbox_id))
    rules = channel.capabilities
    to_look_up = job.state is Delivery.UNKNOWN and isinstance(channel, Reconciler)
    if job.state not in (Delivery.QUEUED, Delivery.SENDING) and not to_look_up:
        return nothing
    job = replace(job, message=_complete(hub, channel, work, job.message))
    if job.state is Delivery.UNKNOWN and isinstance(channel, Reconciler):
        return _look_up(channel, rules, job, work)
    idempotent = rules.idempotent_send
    if job.state is Delivery.SENDING and work.interrupted and not idempotent:
        if not isinstance(channel, Reconciler):
            return _outcome(job, Delivery.UNKNOWN, "interrupted", "")
        hub.store.write(_outcome(job, Delivery.UNKNOWN, "interrupted", ""))
        return _look_up(channel, rules, job, work)
    if job.forbidden:
        return _outcome(job, Delivery.FAILED, DoNotContact.error_id, "")
    # When it leaves, not when it was written: windows close while messages wait.
    tag = tag_for(hub.clock.now(), said, rules.reply_window, rules.tags, job.author.value)
    if tag is None and not (job.message.template and rules.templates):
        return _outcome(job, Delivery.FAILED, WINDOW_CLOSED, "")
    job = replace(job, message=replace(job.message, tag="" if job.message.template else tag or ""))
    if stop is not None:
        until = hub.store.write(lambda tx: stops.turn(tx, job.inbox_id))
        if until:
            return Wait(until)
    sender, rate = _sender(channel, job), rules.messages_per_second
    kept = job.message.sender if isinstance(channel, Reconciler) else ""
    wait = hub.store.write(lambda tx: _begin(tx, work, job, sender, rate, kept), later=True)
    if wait is not None:
        return wait
    failpoints.reach("send.begun")
    try:
        receipt = channel.send(job.message)
    except ChannelError as error:
        if error.unknown and not idempotent:
            return _unknown(hub, channel, job, work, error)
        if error.opted_out:
            return _opted_out(job, error)
        if error.account:
            return _stopped(hub, job, error)
        if stop is not None and error.permanent:
            hub.store.write(lambda tx: stops.lift(tx, job.inbox_id))  # the account is heard again
        if error.permanent or work.last_attempt:
            return _outcome(job, Delivery.FAILED, error.code, str(error))
        asked = asked_pause(error)
        if rate and asked is not None:
            # The provider counts all that leave by this sender: the others wait as well.
            hub.store.write(lambda tx: pacing.pause(tx, sender, tx.now + asked))
        raise
    except Exception as error:
        # The channel broke its promise, perhaps while it read the provider's answer: nobody knows what was sent.
        if idempotent:
            raise
        log.exception("the channel of inbox %s failed on message %s", job.inbox_id, event.message_id)
        return _outcome(job, Delivery.UNKNOWN, "channel_failed", type(error).__name__)
    failpoints.reach("send.answered")
    noted = inbox_health.is_due(hub, job.inbox_id, "sent")
    return _sent(job, receipt, rules, lift=stop is not None, noted=noted)


def _sender(channel: Channel, job: sending.Sending) -> str:
    if isinstance(channel, ManySenders):
        return channel.sender_of(job.message)
    return job.inbox_id


def _begin(tx: Tx, work: Work, job: sending.Sending, sender: str, rate: float, kept: str) -> Wait | None:
    """Takes the message's turn and says `sending`, or says when its turn will be. `kept`: what it leaves by, where the
    provider may have to be asked for it. Raises LeaseLost where somebody else may have sent it by now."""
    work.hold(tx)
    if rate:
        slot = pacing.take_slot(tx, work.outbox_id, sender, rate)
        if slot > tx.now:
            return Wait(slot)
    if job.state is Delivery.QUEUED:
        sending_now = e.DeliveryChanged(job.message.message_id, Delivery.SENDING.value)
        tx.record(job.message.conversation_id, sending_now)
        if kept:
            sending.leaves_by(tx, job.message.message_id, kept)
    return None


def _complete(hub: Hub, channel: Channel, work: Work, message: OutboundMessage) -> OutboundMessage:
    """The message with an address for each file, under which the provider can fetch it, and what a mail needs."""
    if message.attachments:
        links = attachments.links(hub)
        base = hub.settings.public_url
        addressed = (replace(each, url=base + links.url(each.attachment_id)) for each in message.attachments)
        message = replace(message, attachments=tuple(addressed))
    if verification.MASK in message.text:
        with hub.store.read() as connection:
            carried = (message.message_id, message.conversation_id, message.text)
            message = replace(message, text=verification.with_code(connection, hub.box.derive, *carried))
    if isinstance(work.recorded.event, e.VendorAsked) and vendors.PAGE in message.text:
        asked = (message.message_id, work.recorded.at)
        where = vendor_page.address(hub.box.derive, hub.settings.public_url, *asked)
        message = replace(message, text=message.text.replace(vendors.PAGE, where))
    if channel.capabilities.letters:
        outbound = vendors.outbound if isinstance(work.recorded.event, e.VendorAsked) else letters.outbound
        with hub.store.read() as connection:
            letter = outbound(connection, message.conversation_id, message.message_id, work.recorded.actor)
        message = replace(message, letter=letter)
    return message


def _unknown(hub: Hub, channel: Channel, job: sending.Sending, work: Work, error: ChannelError) -> UseCase[None]:
    """The provider may have taken it. Where it can be asked, it is, after a pause: it may still be at work on it."""
    outcome = _outcome(job, Delivery.UNKNOWN, error.code, str(error))
    if isinstance(channel, Reconciler) and not work.last_attempt:
        hub.store.write(outcome)  # first, so that whatever happens nobody sends it again
        raise error
    return outcome


def _look_up(channel: Reconciler, rules: Capabilities, job: sending.Sending, work: Work) -> UseCase[None]:
    """What became of a message that is marked `unknown`. Raises ChannelError where the provider may answer later."""
    try:
        receipt = channel.find_sent(job.message, since=work.recorded.at)
    except ChannelError as error:
        if error.permanent or work.last_attempt:
            return nothing
        raise
    return _sent(job, receipt, rules) if receipt is not None else nothing


def _sent(
    job: sending.Sending, receipt: Receipt, rules: Capabilities, *, lift: bool = False, noted: bool = False
) -> UseCase[None]:
    """`lift`: the inbox could not send before this. `noted`: it is to be noted that the inbox has sent."""

    def use_case(tx: Tx) -> None:
        message_id = job.message.message_id
        tx.record(job.message.conversation_id, e.DeliveryChanged(message_id, receipt.state.value))
        tx.change(t.message, {"id": message_id}, {"provider_id": receipt.provider_id, "error_text": ""})
        letters.also_known_as(tx, job.inbox_id, message_id, receipt.letter_ids)
        if rules.changeable:
            changes.catch_up(tx, job.inbox_id, receipt.provider_id)  # a reaction may be faster than the answer was
        if lift:
            stops.lift(tx, job.inbox_id)
        if noted:
            inbox_health.sent(tx, job.inbox_id)

    return use_case


def _stopped(hub: Hub, job: sending.Sending, error: ChannelError) -> Wait:
    """The account is refused, and with it whatever the inbox would send: all of it is kept, and waits."""

    def use_case(tx: Tx) -> int:
        return stops.stop(tx, job.inbox_id, error.code, str(error), tries=True)

    log.error("inbox %s may not send: %s %s", job.inbox_id, error.code, error)
    return Wait(hub.store.write(use_case))


def _opted_out(job: sending.Sending, error: ChannelError) -> UseCase[None]:
    """The customer told the provider, not us: it goes on the same list."""

    def use_case(tx: Tx) -> None:
        _outcome(job, Delivery.FAILED, error.code, str(error))(tx)
        conversation_id = job.message.conversation_id
        consent.withdraw(tx, conversation_id, job.identity_id, consent.PROVIDER, inbox_id=job.inbox_id)

    return use_case


def _outcome(job: sending.Sending, state: Delivery, code: str, text: str) -> UseCase[None]:
    def use_case(tx: Tx) -> None:
        message_id = job.message.message_id
        tx.record(job.message.conversation_id, e.DeliveryChanged(message_id, state.value, code))
        tx.change(t.message, {"id": message_id}, {"error_text": text[:500]})

    return use_case
