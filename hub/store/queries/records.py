"""The firm's own records, and who was proved to be whom in which conversation."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from hub.domain.conversation import Conversation
from hub.domain.verification import effective_level
from hub.store import tables as t
from hub.store.queries import matching
from hub.store.unit_of_work import Tx


@dataclass(frozen=True, slots=True)
class Customer:
    name: str
    postcode: str


@dataclass(frozen=True, slots=True)
class Order:
    """`expected` is an ISO 8601 date; it and `carrier` are empty where they are not known."""

    order_id: str
    customer_number: str
    state: str
    carrier: str
    expected: str


@dataclass(frozen=True, slots=True)
class Check:
    """Tries at proving an identity since a time (microseconds)."""

    tries: int
    since: int


def customer(connection: Connection, customer_number: str) -> Customer | None:
    c = t.customer_record.c
    row = connection.execute(select(c.name, c.postcode).where(c.customer_number == customer_number)).one_or_none()
    return Customer(*row) if row else None


def order(connection: Connection, order_id: str) -> Order | None:
    c = t.order_record.c
    columns = (c.order_id, c.customer_number, c.state, c.carrier, c.expected)
    row = connection.execute(select(*columns).where(c.order_id == order_id)).one_or_none()
    return Order(*row) if row else None


def contact_of(connection: Connection, conversation_id: str) -> str | None:
    """The id of the contact of a conversation; None where there is no such conversation."""
    statement = select(t.conversation.c.contact_id).where(t.conversation.c.id == conversation_id)
    return connection.execute(statement).scalar_one_or_none()


def check(tx: Tx, conversation_id: str) -> Check | None:
    """The tries in a conversation, locked until the end of the transaction."""
    c = t.identity_check.c
    statement = select(c.tries, c.since).where(c.conversation_id == conversation_id)
    if tx.postgres:
        statement = statement.with_for_update()
    row = tx.connection.execute(statement).one_or_none()
    return Check(*row) if row else None


def proved_numbers(connection: Connection, conversation_id: str) -> frozenset[str]:
    """The customer numbers proved in a conversation: by the bot's questions, or by the shop's signed identity, whose
    address is `inbox:customer number`. They are told to whoever has the verified level there, and to nobody else."""
    checks, conversations, identities = t.identity_check.c, t.conversation.c, t.identity.c
    asked = select(checks.customer_number).where(
        checks.conversation_id == conversation_id, checks.customer_number != ""
    )
    signed = (
        select(identities.address)
        .join(t.conversation, conversations.contact_id == identities.contact_id)
        .where(
            conversations.id == conversation_id,
            conversations.verified_level == "verified",
            conversations.verified_by == "signed_identity",
            identities.channel == "customer",
            identities.evidence == "signed_identity",
        )
    )
    by_shop = (address.partition(":")[2] for address in connection.execute(signed).scalars())
    return frozenset([*connection.execute(asked).scalars(), *by_shop])


def writer(connection: Connection, conversation_id: str, message_id: str) -> str | None:
    """The identity that wrote a message of a conversation; None where there is no such message of a customer."""
    m = t.message.c
    mine = (m.id == message_id) & (m.conversation_id == conversation_id) & (m.kind == "incoming")
    return connection.execute(select(m.identity_id).where(mine)).scalar_one_or_none()


def effective(connection: Connection, conversation: Conversation, writer: str = "") -> str:
    """The verified level that an address has in a conversation (see `hub.domain.verification`), else that of whoever
    wrote last."""
    level, verified = conversation.verified_level, conversation.verified_identity
    writer = writer or conversation.identity_id
    # The common cases need no look at the contact's other addresses.
    alone = level == "none" or writer == verified
    return effective_level(
        level, verified, writer, () if alone else matching.links(connection, conversation.contact_id)
    )
