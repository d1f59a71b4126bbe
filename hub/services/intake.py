"""Messages that nobody's webhook brings: what a mailbox, a mail server or a socket hands over goes the same way in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256

from ulid import ULID, ULIDGenerator

from hub import failpoints
from hub.domain.errors import Conflict, HubError, NotFound, Refused, Unavailable
from hub.domain.inbox import Inbox
from hub.domain.messages import (
    ACCEPTED,
    Attachment,
    DeliveryUpdate,
    InboundEvent,
    InboundFile,
    InboundMessage,
    Parsed,
    SetAside,
    WebhookRequest,
)
from hub.hub import Hub
from hub.ports import Capabilities, Channel
from hub.services import attachments, inbound, names
from hub.store import tables as t
from hub.store.queries import letters, sending, sources
from hub.store.unit_of_work import Tx

log = logging.getLogger(__name__)

# Lists of what came are in the order of their ids. The library's own generator keeps those of one millisecond in order
# only until somebody asks it for one of another time, as every transaction does.
_sources = ULIDGenerator()


def new_source_id() -> str:
    """An identifier (ULID) greater than all that this process has given before."""
    return str(_sources.generate())


def key(source_id: str) -> str:
    """Where a message as it came is in the file store."""
    return f"sources/{source_id}"


@dataclass(slots=True)
class _Prepared:
    """A request that has been read, with its files and its source in the file store."""

    request: WebhookRequest
    parsed: Parsed
    register: Callable[[Tx], None]
    source_id: str
    rules: Capabilities


def take(hub: Hub, inbox: Inbox, channel: Channel, request: WebhookRequest, also: Callable[[Tx], None]) -> None:
    """Stores what a request holds, and what `also` writes, in one transaction. Returns after the commit.

    What cannot be read or stored is set aside with its reason: nobody is there to be told of bad input, and what is
    wrong with it now will be wrong next time. Raises what `also` raises, and what a database or a file store that does
    not answer raises.
    """
    prepared = _prepare(hub, inbox, channel, [request])[0]
    _store(hub, inbox, prepared, also)
    names.look_up(hub, inbox, channel, prepared.parsed)
    failpoints.reach("mail.stored")


def take_all(
    hub: Hub, inbox: Inbox, channel: Channel, requests: Sequence[WebhookRequest], also: Callable[[Tx, int], None]
) -> Iterator[int]:
    """As `take` for several, in their order: in one transaction, or where that fails each in one of its own, so that
    one that cannot be stored holds up none of the others.

    `also` gets the transaction and how many of the requests are stored with its commit; after each commit that number
    is yielded. To be iterated to its end.
    """
    prepared = _prepare(hub, inbox, channel, requests)
    if len(prepared) > 1:

        def together(tx: Tx) -> None:
            also(tx, len(prepared))
            for each in prepared:
                _write(tx, inbox, each)
                tx.flush()  # the next one may be an answer to it

        try:
            hub.store.write(together)
        except Unavailable:
            raise
        except Exception as error:  # whosever it is comes again below, where it concerns that one alone
            log.info("%s messages for inbox %s are stored one by one: %s", len(prepared), inbox.key, error)
        else:
            for each in prepared:
                names.look_up(hub, inbox, channel, each.parsed)
            failpoints.reach("mail.stored")
            yield len(prepared)
            return
    for number, each in enumerate(prepared, 1):
        _store(hub, inbox, each, partial(_counted, also, number))
        names.look_up(hub, inbox, channel, each.parsed)
        failpoints.reach("mail.stored")
        yield number


def _counted(also: Callable[[Tx, int], None], number: int, tx: Tx) -> None:
    also(tx, number)


def _prepare(hub: Hub, inbox: Inbox, channel: Channel, requests: Sequence[WebhookRequest]) -> list[_Prepared]:
    prepared: list[_Prepared] = []
    contents: dict[str, bytes] = {}
    for request in requests:
        parsed, register, files = _with_files(hub, inbox, _read(inbox, channel, request))
        source_id = new_source_id() if channel.capabilities.keeps_source else ""
        contents |= files | ({key(source_id): request.body} if source_id else {})
        prepared.append(_Prepared(request, parsed, register, source_id, channel.capabilities))
    hub.files.put_all(contents)  # first: a row never promises bytes that are not there
    failpoints.reach("mail.kept")
    return prepared


def _read(inbox: Inbox, channel: Channel, request: WebhookRequest) -> Parsed:
    try:
        return channel.parse_inbound(request)
    except Refused as refused:
        return _aside(request, refused.field, refused.rule)
    except Exception as error:  # the channel broke its promise: one message must not stop its inbox
        log.exception("the channel %s could not read a message", inbox.channel)
        return _aside(request, "message", f"could not be read ({type(error).__name__})")


def _write(tx: Tx, inbox: Inbox, prepared: _Prepared) -> None:
    prepared.register(tx)
    request, parsed, source_id = prepared.request, prepared.parsed, prepared.source_id
    received = inbound.accept(tx, inbox, parsed, request, prepared.rules, raw_is_kept=bool(source_id))
    if source_id:
        _register(tx, inbox, request, parsed, received, source_id)


def _store(hub: Hub, inbox: Inbox, prepared: _Prepared, also: Callable[[Tx], None]) -> None:
    failed: Exception | None = None
    begun = False

    def use_case(tx: Tx) -> None:
        nonlocal begun
        also(tx)
        begun = True
        _write(tx, inbox, prepared)

    try:
        hub.store.write(use_case)
    except (HubError, ValueError, TypeError, LookupError) as error:
        if not begun or isinstance(error, Unavailable):
            raise
        failed = error
    if failed is not None:
        log.error("a message for inbox %s could not be stored", inbox.key, exc_info=failed)
        rule = f"could not be stored ({type(failed).__name__})"
        prepared.parsed = _aside(prepared.request, "message", rule, *_about(prepared.parsed))
        prepared.register = _nothing
        hub.store.write(use_case)


def accept(hub: Hub, source_id: str) -> tuple[inbound.Received, ...]:
    """Takes in what was refused: it goes through its channel once more, as something that a person wants.

    Returns where its messages are stored; none where it is a report on a message. Raises NotFound, Conflict when it is
    in already, and Refused when it cannot be read or stored this time either: then nothing has changed.
    """
    with hub.store.read() as connection:
        source = sources.get(connection, source_id)
    if source is None:
        raise NotFound("there is no such source")
    inbox = hub.inboxes.by_id(source.inbox_id)
    request = WebhookRequest("FETCH", source.origin, headers={ACCEPTED: "1"}, body=hub.files.get(key(source_id)))
    try:
        channel = hub.channel_of(inbox)
        parsed = channel.parse_inbound(request)
    except HubError:
        raise
    except Exception as error:  # as in `take`: a channel that broke its promise
        log.exception("the channel %s could not read a message", inbox.channel)
        raise Refused("message", f"could not be read ({type(error).__name__})") from error
    if parsed.set_aside:
        raise Refused(parsed.set_aside[0].field, parsed.set_aside[0].rule)
    parsed, register, contents = _with_files(hub, inbox, parsed)
    hub.files.put_all(contents)

    def use_case(tx: Tx) -> tuple[inbound.Received, ...]:
        # First: of two who accept it at once, the second one waits here and then finds it taken.
        if not sources.unrefuse(tx, source_id):
            raise Conflict("it is in already")
        register(tx)
        received = inbound.accept(tx, inbox, parsed, request, channel.capabilities, raw_is_kept=True)
        sources.became(tx, source_id, _state(parsed, received), received[0].message_id if received else "")
        return received

    try:
        return hub.store.write(use_case)
    except (ValueError, TypeError, LookupError) as error:
        log.exception("a message for inbox %s could not be stored", inbox.key)
        raise Refused("message", f"could not be stored ({type(error).__name__})") from error


def _nothing(_: Tx) -> None:
    return


def _settled(hub: Hub, inbox: Inbox, parsed: Parsed) -> Parsed:
    """The same once it is known whether its reports are about messages of ours: else it is a message itself."""
    if parsed.unless_ours is None:
        return parsed
    updates = [each for each in parsed.events if isinstance(each, DeliveryUpdate)]
    with hub.store.read() as connection:
        if any(sending.reported(connection, inbox.id, each) for each in updates):
            return replace(parsed, unless_ours=None)
    return replace(parsed, events=(parsed.unless_ours,), unless_ours=None)


def _with_files(hub: Hub, inbox: Inbox, parsed: Parsed) -> tuple[Parsed, Callable[[Tx], None], dict[str, bytes]]:
    """The same with its files as attachments, what writes down that they are there, and what is to be put into the file
    store before.

    A message that is stored already brings none again; where two copies come at once, bytes may rest there unclaimed.
    """
    parsed = _settled(hub, inbox, parsed)
    bringing = [each for each in parsed.events if isinstance(each, InboundMessage) and each.files]
    if not bringing:
        return parsed, _nothing, {}
    with hub.store.read() as connection:
        stored = letters.is_stored(connection, inbox.id, [each.external_id for each in bringing])
    kept: list[tuple[Attachment, str, str]] = []
    contents: dict[str, bytes] = {}
    events: list[InboundEvent] = []
    for event in parsed.events:
        if isinstance(event, InboundMessage) and event.files and event.external_id not in stored:
            files = [_attachment(file) for file in event.files]
            owner = attachments.customer_owner(event.address)
            for attachment, file in zip(files, event.files, strict=True):
                kept.append((attachment, owner, sha256(file.content).hexdigest()))
                contents[attachments.key(attachment.attachment_id)] = file.content
            event = replace(event, attachments=(*event.attachments, *files))
        events.append(event)

    def register(tx: Tx) -> None:
        for attachment, owner, digest in kept:
            attachments.register(tx, attachment, owner=owner, digest=digest)

    return replace(parsed, events=tuple(events)), register, contents


def _attachment(file: InboundFile) -> Attachment:
    """What a file is by its content, whatever its sender says: as that alone may a browser show it."""
    media_type = attachments.sniff(file.content, attachments.KNOWN_TYPES) or "application/octet-stream"
    name = attachments.clean_name(file.name, media_type)
    return Attachment(str(ULID()), name, media_type, len(file.content))


def _aside(request: WebhookRequest, field: str, rule: str, sender: str = "", subject: str = "") -> Parsed:
    return Parsed(set_aside=(SetAside(field, rule, request.body, sender, subject),))


def _about(parsed: Parsed) -> tuple[str, str]:
    """(sender, subject) for lists; empty where they are not known."""
    if parsed.set_aside:
        return parsed.set_aside[0].sender, parsed.set_aside[0].subject
    first = next((each for each in parsed.events if isinstance(each, InboundMessage)), None)
    return (first.address.value, first.letter.subject if first.letter else "") if first else ("", "")


def _state(parsed: Parsed, received: tuple[inbound.Received, ...]) -> str:
    if parsed.set_aside:
        return "refused"
    if not received:
        return "read"
    return "duplicate" if received[0].duplicate else "stored"


def _register(
    tx: Tx,
    inbox: Inbox,
    request: WebhookRequest,
    parsed: Parsed,
    received: tuple[inbound.Received, ...],
    source_id: str,
) -> None:
    refused = parsed.set_aside[0] if parsed.set_aside else None
    sender, subject = _about(parsed)
    tx.add(
        t.source,
        {
            "id": source_id,
            "inbox_id": inbox.id,
            "origin": request.url,
            "state": _state(parsed, received),
            "field": refused.field if refused else "",
            "rule": refused.rule if refused else "",
            "message_id": received[0].message_id if received else "",
            "sender": sender,
            "subject": subject,
            "size": len(request.body),
            "sha256": sha256(request.body).hexdigest(),
            "at": tx.now,
        },
    )
