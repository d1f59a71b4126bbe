"""The firm's own records, as far as the bot may look: who somebody is, and where their order is.

The bot proves an identity first; an order is told only in the conversation in which its owner was proved.
"""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest

from hub.domain import events as e
from hub.domain.errors import NotFound
from hub.domain.verification import may
from hub.store import tables as t
from hub.store.queries import records, turns
from hub.store.queries.records import Order
from hub.store.unit_of_work import Reading, Tx

TRIES = 10
WINDOW = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """`retry_after` is in seconds; over 0 when nothing was checked because there were too many tries."""

    verified: bool = False
    name: str = ""
    retry_after: int = 0


def verify(tx: Tx, conversation_id: str, message_id: str, customer_number: str, postcode: str) -> Verdict:
    """Whether customer number and postcode belong together, said in a message of the customer.

    A yes is the proof of the address that the message came from, and names a contact who has no name yet. Raises
    NotFound for an unknown conversation or message.
    """
    contact_id = records.contact_of(tx.connection, conversation_id)
    writer = records.writer(tx.connection, conversation_id, message_id)
    if contact_id is None or writer is None:
        raise NotFound(f"there is no message {message_id} in a conversation {conversation_id}")
    before = records.check(tx, conversation_id)
    tries, since = (before.tries, before.since) if before and before.since + WINDOW > tx.now else (0, tx.now)
    if tries >= TRIES:
        return Verdict(retry_after=(since + WINDOW - tx.now) // 1_000_000 + 1)
    customer = records.customer(tx.connection, customer_number)
    verified = customer is not None and compare_digest(_plain(customer.postcode), _plain(postcode))
    values: dict[str, object] = {"tries": tries + 1, "since": since}
    # A wrong try takes nothing away: the customer has proved before who they are.
    if customer is not None and verified:
        values["customer_number"] = customer_number
        # A name that is there already stays: it is what the customer or the shop told us.
        tx.change(t.contact, {"id": contact_id, "name": ""}, {"name": customer.name})
    if before is None:
        # Not an upsert: whoever is second gets a uniqueness error, runs again and counts on.
        tx.add(t.identity_check, {"conversation_id": conversation_id} | values)
    else:
        tx.change(t.identity_check, {"conversation_id": conversation_id}, values)
    conversation = tx.conversation(conversation_id)
    if verified and (conversation.verified_level, conversation.verified_identity) != ("verified", writer):
        tx.record(conversation_id, e.IdentityVerified("verified", "bot_form", writer), e.BOT)
    return Verdict(verified, customer.name if customer and verified else "")


def _plain(postcode: str) -> bytes:
    return "".join(postcode.split()).casefold().encode()


def order(connection: Reading, order_id: str, conversation_id: str, message_id: str) -> Order:
    """An order of the customer who was proved in this conversation, for whoever wrote this message.

    Raises NotFound: also for others' orders, and where the writer is not who was proved.
    """
    found = records.order(connection, order_id)
    if (
        found is None
        or found.customer_number not in records.proved_numbers(connection, conversation_id)
        or not _is_proved(connection, conversation_id, message_id)
    ):
        raise NotFound(f"there is no order {order_id} of this customer")
    return found


def _is_proved(connection: Reading, conversation_id: str, message_id: str) -> bool:
    writer = records.writer(connection, conversation_id, message_id)
    if writer is None:
        return False
    return may("tell_order", records.effective(connection, turns.conversation(connection, conversation_id), writer))
