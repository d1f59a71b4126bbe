"""People and their addresses: found or made, linked by evidence, merged and parted again."""

from __future__ import annotations

from hub.domain import events as e
from hub.domain.errors import Conflict, NotFound, Refused
from hub.domain.messages import Address, Author, InboundMessage
from hub.store import tables as t
from hub.store.queries import matching, packets
from hub.store.queries.matching import KnownIdentity
from hub.store.unit_of_work import Tx

# How sure a link is. Signed evidence names the person; what somebody typed only suggests one.
STRONG = frozenset({"signed_identity", "verified"})
FIRST_MESSAGE = "first_message"
STATED = "stated"
# Where an address of this kind of evidence lives.
_CHANNELS = {"email": "email", "phone": "sms", "customer": "customer"}


def find_or_create(tx: Tx, inbox_id: str, message: InboundMessage) -> KnownIdentity:
    """The identity that a message came from, made with its contact when it is new. The contact's row is locked."""
    address = message.address
    found = matching.identity(tx, address, inbox_id=inbox_id, external_id=message.external_id)
    if found is None:
        contact_id = _contact_by_evidence(tx, message) or create(tx, address.display_name, message.language)
        identity_id = link(tx, contact_id, address, FIRST_MESSAGE)
        found = KnownIdentity(identity_id, contact_id, "", "")
        add_evidence(tx, contact_id, message.evidence)
    return found


def create(tx: Tx, name: str, language: str) -> str:
    """A new contact. Returns its id."""
    contact_id = tx.new_id()
    tx.add(t.contact, {"id": contact_id, "name": name, "language": language, "created_at": tx.now})
    tx.record(contact_id, e.ContactCreated(), e.Actor(Author.CONTACT, contact_id))
    return contact_id


def link(tx: Tx, contact_id: str, address: Address, evidence: str) -> str:
    """Makes an identity at a free address and links it to the contact. Returns its id.

    A uniqueness error (somebody else was faster) runs the whole use case again, which then finds the identity.
    """
    identity_id = tx.new_id()
    tx.add(
        t.identity,
        {
            "id": identity_id,
            "channel": address.channel,
            "scope": address.scope,
            "address": address.value,
            "display_name": address.display_name,
        },
    )
    tx.record(contact_id, e.IdentityLinked(identity_id, address.channel, evidence))
    return identity_id


def _contact_by_evidence(tx: Tx, message: InboundMessage) -> str:
    """The contact that strong evidence names; empty where it names none, or more than one."""
    contacts = {
        contact_id
        for kind, value, evidence in message.evidence
        if evidence in STRONG and kind in _CHANNELS
        for _, contact_id in matching.identities_at(tx, _CHANNELS[kind], value)
    }
    return contacts.pop() if len(contacts) == 1 else ""


def add_evidence(tx: Tx, contact_id: str, evidence: tuple[tuple[str, str, str], ...]) -> None:
    """Links further addresses of the same person. An address that another contact has stays there: it is shown as a
    candidate instead of guessed."""
    for kind, value, how in evidence:
        channel = _CHANNELS.get(kind)
        if channel and value and not matching.identities_at(tx, channel, value):
            link(tx, contact_id, Address(channel, value), how)


def state_details(tx: Tx, address: Address, name: str, email: str, phone: str) -> None:
    """Keeps what a customer said of themselves in a form. Stated addresses are linked where nobody has them yet.

    Raises NotFound when nobody wrote from this address and nothing was stated to make a contact of.
    """
    found = matching.identity(tx, address, inbox_id="", external_id="")
    if found is None:
        contact_id = create(tx, name or address.display_name, "")
        link(tx, contact_id, address, FIRST_MESSAGE)
    else:
        contact_id = found.contact_id
        if name:
            tx.change(t.contact, {"id": contact_id}, {"name": name})
    add_evidence(tx, contact_id, (("email", email.strip().lower(), STATED), ("phone", phone.strip(), STATED)))


def merge(tx: Tx, contact_id: str, into: str, by: e.Actor) -> int:
    """Makes two contacts one: `into` takes the identities and conversations of `contact_id`.

    Returns the event that `merging.undo` takes back. Raises Refused for the same contact, Conflict for one that is
    merged already, NotFound.
    """
    if contact_id == into:
        raise Refused("into", "must be another contact")
    # In one order, so that two people merging the same pair the other way round do not wait for each other.
    merged = {each: matching.lock_contact(tx, each) for each in sorted((contact_id, into))}
    for each, merged_into in merged.items():
        if merged_into is None:
            raise NotFound(f"there is no contact {each}")
        if merged_into:
            raise Conflict(f"contact {each} is merged into {merged_into}")
    identities = tuple(matching.identities_of(tx, contact_id))
    conversations = tuple(matching.conversations_of(tx, contact_id))
    event = e.ContactMerged(into, identities, conversations)
    recorded = tx.record(contact_id, event, by)
    tx.record(into, e.ContactAbsorbed(contact_id, identities), by)
    for conversation_id in conversations:
        tx.record(conversation_id, e.MovedToContact(into), by)
    return recorded.id


def undo_merge(tx: Tx, contact_id: str, event_id: int, merged: e.ContactMerged, by: e.Actor) -> None:
    """Gives back what `merge` moved. Raises Conflict when it was undone already, or when `into` was merged since."""
    held = {each: matching.lock_contact(tx, each) for each in sorted((contact_id, merged.into_id))}
    if held[contact_id] != merged.into_id or packets.was_undone(tx.connection, contact_id, event_id):
        raise Conflict("this merge was undone already")
    if held[merged.into_id]:
        raise Conflict(f"contact {merged.into_id} was itself merged since; take that back first")
    tx.record(contact_id, e.ContactMergeUndone(merged.into_id, merged.identity_ids, event_id), by)
    tx.record(merged.into_id, e.ContactMergeUndone(contact_id, (), event_id), by)
    for conversation_id in merged.conversation_ids:
        if tx.conversation(conversation_id).contact_id == merged.into_id:
            tx.record(conversation_id, e.MovedToContact(contact_id), by)
