"""What delivery needs to know of a message."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from hub.domain.addresses import kind_of
from hub.domain.errors import NotFound
from hub.domain.messages import Address, Attachment, Author, Button, Delivery, DeliveryUpdate, Kind, OutboundMessage
from hub.domain.templates import OutboundTemplate, Parameter
from hub.store import tables as t
from hub.store.prepared import Prepared
from hub.store.queries import consent
from hub.store.unit_of_work import Tx

# In a message's extras: the word of the customer's that it answers (`stop`, `start`, `help`).
ANSWERS_CONSENT = "answers_consent"
# In a message's extras: the template that it is, as `template_extras` writes it.
TEMPLATE = "template"
# In the extras of what a customer said: where to. That is a number of ours, or the provider's word for the way back.
TO = "to"
# In the extras of what has left for a provider that can be asked what became of it: the sender that it left by.
LEFT_BY = "left_by"


@dataclass(frozen=True, slots=True)
class Sending:
    """A message that is to go out, with its inbox and how far it has come.

    `forbidden`: nobody may write to its address, and it is not the answer to the customer's saying so.
    """

    message: OutboundMessage
    inbox_id: str
    identity_id: str
    state: Delivery
    forbidden: bool
    author: Author = Author.SYSTEM


_m, _i, _said = t.message.c, t.identity.c, t.message.alias().c
_LAST_SAID = (
    select(_said.extras)
    .where(_said.identity_id == _m.identity_id, _said.inbox_id == _m.inbox_id, _said.kind == Kind.INCOMING.value)
    .order_by(_said.event_id.desc())
    .limit(1)
    .scalar_subquery()
)
# Every message that leaves asks: put together once.
_SENDING = Prepared(
    select(
        _m.id,
        _m.conversation_id,
        _m.inbox_id,
        _m.text,
        _m.extras,
        _m.state,
        _m.author_kind,
        _m.identity_id,
        _i.channel,
        _i.address,
        _i.wire_address,
        _i.scope,
        _i.display_name,
        _LAST_SAID.label("last_said"),
    )
    .join(t.identity, _i.id == _m.identity_id)
    .where(_m.id == bindparam("which"))
)


def sending(connection: Connection, message_id: str) -> Sending:
    """Raises NotFound."""
    row = _SENDING.one(connection, {"which": message_id})
    if row is None:
        raise NotFound(f"there is no message {message_id} to send")
    extras = json.loads(row.extras) if row.extras else {}
    message = OutboundMessage(
        message_id=row.id,
        conversation_id=row.conversation_id,
        address=Address(row.channel, row.wire_address or row.address, row.scope, row.display_name),
        text=row.text,
        buttons=tuple(Button(each["title"], each["payload"]) for each in extras.get("buttons", ())),
        attachments=tuple(
            Attachment(each["id"], each["name"], each["media_type"], each["size"])
            for each in extras.get("attachments", ())
        ),
        sender=extras.get(LEFT_BY) or (json.loads(row.last_said).get(TO, "") if row.last_said else ""),
        template=_template(extras[TEMPLATE]) if TEMPLATE in extras else None,
    )
    where = (kind_of(row.channel), row.address)
    forbidden = ANSWERS_CONSENT not in extras and where in consent.prohibitions(connection, [where])
    return Sending(message, row.inbox_id, row.identity_id, Delivery(row.state), forbidden, Author(row.author_kind))


_EXTRAS = Prepared(select(_m.extras).where(_m.id == bindparam("which")))


def leaves_by(tx: Tx, message_id: str, sender: str) -> None:
    """Keeps the sender for as long as there is the message: what the customer says or takes back since changes nothing
    about where the provider has to be asked for it."""
    ((extras,),) = tx.run(_EXTRAS, {"which": message_id}).fetchall()
    kept = json.dumps((json.loads(extras) if extras else {}) | {LEFT_BY: sender}, ensure_ascii=False)
    tx.change(t.message, {"id": message_id}, {"extras": kept})


def template_extras(template: OutboundTemplate) -> dict[str, object]:
    """A template as it stands in a message's extras."""
    return {
        "name": template.name,
        "language": template.language,
        "provider_id": template.provider_id,
        "parameters": [[each.place, each.name] for each in template.parameters],
        "values": list(template.values),
    }


def _template(stored: dict[str, Any]) -> OutboundTemplate:
    parameters = tuple(Parameter(*each) for each in stored["parameters"])
    return OutboundTemplate(
        stored["name"], stored["language"], parameters, tuple(stored["values"]), stored["provider_id"]
    )


def to_vendor(connection: Connection, message_id: str) -> Sending:
    """A mail to an outside firm: all of it, at the firm's address. Raises NotFound."""
    m, n = t.message.c, t.vendor_mail.c
    statement = (
        select(m.id, m.conversation_id, m.inbox_id, m.channel, m.extras, m.state, n.address)
        .add_columns(t.vendor.c.name, t.letter.c.whole)
        .join(t.vendor_mail, n.message_id == m.id)
        .join(t.vendor, t.vendor.c.id == n.vendor_id)
        .join(t.letter, t.letter.c.message_id == m.id)
        .where(m.id == message_id)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound(f"there is no message {message_id} to send")
    message = OutboundMessage(
        message_id=row.id,
        conversation_id=row.conversation_id,
        address=Address(row.channel, row.address, display_name=row.name),
        text=row.whole,
        attachments=tuple(
            Attachment(each["id"], each["name"], each["media_type"], each["size"])
            for each in json.loads(row.extras).get("attachments", ())
        ),
    )
    where = (kind_of(row.channel), row.address.lower())
    forbidden = where in consent.prohibitions(connection, [where])
    return Sending(message, row.inbox_id, "", Delivery(row.state), forbidden)


@dataclass(frozen=True, slots=True)
class Reported:
    """The message that a provider's report is about."""

    message_id: str
    conversation_id: str
    identity_id: str
    state: Delivery
    provider_id: str | None
    error_text: str


# Three reports come for each message: put together once.
_REPORTED = select(_m.id, _m.conversation_id, _m.identity_id, _m.state, _m.provider_id, _m.error_text).where(
    _m.inbox_id == bindparam("inbox"), or_(_m.kind == Kind.OUTGOING.value, _m.kind == Kind.VENDOR.value)
)
_REPORTED_BY_OURS = Prepared(_REPORTED.where(_m.id == bindparam("which")))
# A provider that gives two messages one id is in the wrong; the newer one is then meant, and nothing is broken by it.
_REPORTED_BY_THEIRS = Prepared(
    _REPORTED.where(_m.provider_id == bindparam("which")).order_by(_m.event_id.desc()).limit(1)
)

_n = t.letter_id.c
_REPORTED_BY_LETTER = Prepared(
    _REPORTED.join(t.letter_id, _n.message_id == _m.id)
    .where(_n.inbox_id == bindparam("inbox"), _n.id == bindparam("which"))
    .order_by(_m.event_id.desc())
    .limit(1)
)


def reported(connection: Connection, inbox_id: str, update: DeliveryUpdate) -> Reported | None:
    """By our id where the report echoes it, else by the provider's or by one that a gateway gave a mail; None where
    there is none."""
    if not (update.message_id or update.provider_id):
        return None
    statement, which = (
        (_REPORTED_BY_OURS, update.message_id) if update.message_id else (_REPORTED_BY_THEIRS, update.provider_id)
    )
    row = statement.one(connection, {"inbox": inbox_id, "which": which})
    if row is None and not update.message_id:
        row = _REPORTED_BY_LETTER.one(connection, {"inbox": inbox_id, "which": which})
    if row is None:
        return None
    state = Delivery(row.state)
    return Reported(row.id, row.conversation_id, row.identity_id, state, row.provider_id, row.error_text)


def unread_by(
    connection: Connection, inbox_id: str, identity_channel: str, address: str, up_to: str, below: tuple[str, ...]
) -> list[tuple[str, str, Delivery]]:
    """(message, conversation, state) of messages sent to an address, up to and including one, in one of the states
    `below`; empty where that one is not theirs."""
    m, i = t.message.c, t.identity.c
    mine = (
        select(i.id).where(i.channel == identity_channel, i.scope == inbox_id, i.address == address).scalar_subquery()
    )
    last = connection.execute(select(m.event_id).where(m.id == up_to, m.identity_id == mine)).scalar_one_or_none()
    if last is None:
        return []
    statement = (
        select(m.id, m.conversation_id, m.state)
        .where(m.identity_id == mine, m.kind == "outgoing", m.state.in_(below), m.event_id <= last)
        .order_by(m.event_id)
        .limit(500)
    )
    return [(row.id, row.conversation_id, Delivery(row.state)) for row in connection.execute(statement)]
