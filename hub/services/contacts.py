"""People and their addresses: found or made, linked by evidence, merged and parted again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from hub.domain import events as e
from hub.domain.addresses import PHONE, kind_of
from hub.domain.errors import Conflict, NotFound, Refused
from hub.domain.inbox import Inbox
from hub.domain.messages import Address, Author, InboundMessage, Readdressed
from hub.domain.verification import PROOF, SAME_NUMBER, STATED
from hub.services import numbers
from hub.store import tables as t
from hub.store.queries import matching, packets
from hub.store.queries.matching import CLAIM, HeldIdentity, KnownIdentity
from hub.store.unit_of_work import Tx

FIRST_MESSAGE = "first_message"
# The provider itself says that two addresses are one person's.
BY_PROVIDER = "provider"
BY_AGENT = "agent"
# Where an address of this kind of evidence lives.
_CHANNELS = {"email": "email", PHONE: "sms", "customer": "customer"}
# Whoever states a new address again and again tries out whose they are.
MOST_STATED = 10
_EMAIL = "email"
_WRITTEN_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63}){1,4}")
MOST_MENTIONED = 20


def region_of(inbox: Inbox) -> str:
    """Where the numbers of an inbox are from that do not say so themselves; empty where its settings name no region."""
    return str(inbox.settings.get("default_region", ""))


def canonical(address: Address, region: str) -> Address:
    """The address by which an identity is found: one for all spellings of it."""
    kind = kind_of(address.channel)
    if kind == PHONE:
        value = numbers.received(address.value, region)
    elif kind == _EMAIL:
        value = address.value.lower()
    else:
        return address
    return address if value == address.value else replace(address, value=value)


def find_or_create(tx: Tx, inbox: Inbox, message: InboundMessage) -> KnownIdentity:
    """The identity that a message came from, made with its contact when it is new. The contact's row is locked."""
    region = region_of(inbox)
    address = canonical(message.address, region)
    wire = message.address.value if message.address.value != address.value else ""
    # Else another conversation counts, or what the message brings may change which one is theirs.
    simple = not (message.letter or message.thread_key or message.also)
    found = matching.identity(tx, address, inbox_id=inbox.id, external_id=message.external_id, with_current=simple)
    if found is None:
        # A provider may name the sender otherwise when it repeats a message: that makes no second person.
        copy = matching.stored(tx, inbox_id=inbox.id, external_id=message.external_id)
        if copy:
            return KnownIdentity("", "", *copy)
        found = _by_other_address(tx, inbox, message, address, wire) or _create(tx, message, address, wire, region)
        _keep_also(tx, found, message.also, region)
        return found
    if not found.duplicate_id:
        _keep_also(tx, found, message.also, region)
    if found.wire_address != wire and not found.duplicate_id:
        # Answers go to the spelling that the provider knows, whatever somebody typed before.
        tx.change(t.identity, {"id": found.identity_id}, {"wire_address": wire})
    return found


def _by_other_address(
    tx: Tx, inbox: Inbox, message: InboundMessage, address: Address, wire: str
) -> KnownIdentity | None:
    """The sender by another of their addresses, with the one of this message linked to them; None where none is known,
    or the hub knows this address as somebody's in another channel."""
    if kind_of(address.channel) == PHONE and _same_number(tx, address.value) is not None:
        return None
    for other in message.also:
        known = matching.identity(tx, canonical(other, region_of(inbox)), inbox_id=inbox.id, external_id="")
        if known is not None:
            identity_id = link(
                tx, known.contact_id, address, BY_PROVIDER, stated_by=known.identity_id, wire_address=wire
            )
            return KnownIdentity(identity_id, known.contact_id, evidence=BY_PROVIDER, stated_by=known.identity_id)
    return None


def _keep_also(tx: Tx, found: KnownIdentity, also: tuple[Address, ...], region: str) -> None:
    """Links further addresses that the provider names; one that somebody else has stays theirs."""
    for other in also:
        address = canonical(other, region)
        if matching.identity(tx, address, inbox_id="", external_id="") is None:
            link(tx, found.contact_id, address, BY_PROVIDER, stated_by=found.identity_id)


def readdress(tx: Tx, inbox: Inbox, said: Readdressed) -> bool:
    """A customer's new address is theirs too. Returns whether that is news; nobody is known by it alone."""
    region = region_of(inbox)
    known = matching.identity(tx, canonical(said.before, region), inbox_id="", external_id="")
    after = canonical(said.after, region)
    if known is None or matching.identity(tx, after, inbox_id="", external_id="") is not None:
        return False
    wire = said.after.value if said.after.value != after.value else ""
    link(tx, known.contact_id, after, BY_PROVIDER, stated_by=known.identity_id, wire_address=wire)
    return True


def _create(tx: Tx, message: InboundMessage, address: Address, wire: str, region: str) -> KnownIdentity:
    # Two addresses of one person may come for the first time at once: whoever is second finds the first.
    waited_for = {_evident(kind, value, region)[0] for kind, value, how in message.evidence if how in PROOF}
    if kind_of(address.channel) == PHONE:
        waited_for.add(address.value)
    for each in sorted(waited_for):
        matching.lock_address(tx, each)
    known, evidence = _by_evidence(tx, message, region), "signed_identity"
    if known is None and kind_of(address.channel) == PHONE:
        known, evidence = _same_number(tx, address.value), SAME_NUMBER
    if known is None:
        contact_id, evidence, stated_by = create(tx, address.display_name, message.language), FIRST_MESSAGE, ""
    else:
        contact_id, stated_by = known.contact_id, known.id
    identity_id = link(tx, contact_id, address, evidence, stated_by=stated_by, wire_address=wire)
    add_evidence(tx, contact_id, message.evidence, stated_by=identity_id, region=region)
    # The same number as one that was only stated proves no more than that one does.
    weak = known is not None and evidence == SAME_NUMBER and known.evidence == STATED
    return KnownIdentity(identity_id, contact_id, evidence=STATED if weak else evidence, stated_by=stated_by)


def link_by_proof(
    tx: Tx, inbox: Inbox, address: Address, contact_id: str, evidence: str, *, stated_by: str = ""
) -> None:
    """Makes an address this contact's, on evidence that names them. Whoever has it becomes one with them, with all that
    is theirs; where it was only stated, the address alone comes over. A contact without a name gets the address's."""
    if address.display_name:
        tx.change(t.contact, {"id": contact_id, "name": ""}, {"name": address.display_name})
    region = region_of(inbox)
    found = canonical(address, region)
    if kind_of(found.channel) == PHONE:
        matching.lock_address(tx, found.value)
    known = matching.identity(tx, found, inbox_id="", external_id="")
    if known is None:
        wire = address.value if address.value != found.value else ""
        link(tx, contact_id, found, evidence, stated_by=stated_by, wire_address=wire)
        return
    held = matching.held_identity(tx.connection, known.identity_id)
    if held is None or held.contact_id == contact_id:
        return
    if _only_stated(tx, held):
        _move(tx, (held,), held.contact_id, contact_id, "proved", evidence, stated_by)
        return
    merge(tx, held.contact_id, contact_id, e.SYSTEM)
    tx.record(contact_id, e.IdentityMoved(held.id, held.contact_id, evidence, stated_by))


def create(tx: Tx, name: str, language: str, by: e.Actor | None = None) -> str:
    """A new contact. Returns its id."""
    contact_id = tx.new_id()
    tx.add(t.contact, {"id": contact_id, "name": name, "language": language, "created_at": tx.now})
    tx.record(contact_id, e.ContactCreated(), by or e.Actor(Author.CONTACT, contact_id))
    return contact_id


def link(
    tx: Tx,
    contact_id: str,
    address: Address,
    evidence: str,
    *,
    stated_by: str = "",
    wire_address: str = "",
    by: e.Actor = e.SYSTEM,
) -> str:
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
            "wire_address": wire_address,
            "display_name": address.display_name,
        },
    )
    tx.record(contact_id, e.IdentityLinked(identity_id, address.channel, evidence, stated_by), by)
    return identity_id


def _by_evidence(tx: Tx, message: InboundMessage, region: str) -> HeldIdentity | None:
    """The identity by which strong evidence names a contact; None where it names none, or more than one."""
    named = [
        held
        for kind, value, evidence in message.evidence
        if evidence in PROOF and kind in _CHANNELS
        for held in matching.identities_at(tx.connection, kind, _evident(kind, value, region)[0])
        # What somebody merely stated is theirs only until its owner comes.
        if held.evidence != STATED
    ]
    return named[0] if len({held.contact_id for held in named}) == 1 else None


def _same_number(tx: Tx, address: str) -> HeldIdentity | None:
    """The identity in another channel that has the same number; None where nobody has it, or more than one contact."""
    held = matching.identities_at(tx.connection, PHONE, address)
    found = [each for each in held if each.evidence != STATED] or held
    return found[0] if len({each.contact_id for each in found}) == 1 else None


def _evident(kind: str, value: str, region: str) -> tuple[str, str]:
    """(canonical, spelling to send to where it differs) of an address that evidence names."""
    if kind == PHONE:
        number = numbers.read(value.strip(), region)
        if number is None:
            return value.strip(), ""
        return number.key, number.dialable if number.dialable != number.key else ""
    return (value.strip().lower() if kind == _EMAIL else value), ""


def add_evidence(
    tx: Tx, contact_id: str, evidence: tuple[tuple[str, str, str], ...], *, stated_by: str, region: str = ""
) -> None:
    """Links further addresses of the same person, as the owner of the identity `stated_by` named them.

    An address that another contact has stays there: it is shown as a candidate instead of guessed. Only proof takes one
    away from where it was merely stated and never used.
    """
    for kind, value, how in evidence:
        if kind not in _CHANNELS or not value.strip():
            continue
        address, wire = _evident(kind, value, region)
        if kind == PHONE:
            matching.lock_address(tx, address)
        held = matching.identities_at(tx.connection, kind, address)
        mine = next((each for each in held if each.contact_id == contact_id), None)
        if mine is not None:
            if how in PROOF and mine.evidence == STATED:
                tx.record(contact_id, e.IdentityMoved(mine.id, contact_id, how, stated_by))
        elif not held:
            link(tx, contact_id, Address(_CHANNELS[kind], address), how, stated_by=stated_by, wire_address=wire)
        elif how in PROOF and all(_only_stated(tx, each) for each in held):
            for each in held:
                _move(tx, (each,), each.contact_id, contact_id, "proved", how, stated_by)
        elif not matching.has_claim(tx.connection, contact_id, address):
            link(tx, contact_id, Address(CLAIM, address, contact_id), how, stated_by=stated_by)


def _only_stated(tx: Tx, identity: HeldIdentity) -> bool:
    return identity.evidence == STATED and not matching.was_used(tx.connection, identity.id)


def _move(
    tx: Tx,
    identities: tuple[HeldIdentity, ...],
    from_id: str,
    to_id: str,
    reason: str,
    evidence: str,
    stated_by: str = "",
) -> None:
    """Takes identities that were only stated to the contact whose they are, locked or new. The claim stays behind, so
    that people are shown the two."""
    ids, grounds = tuple(each.id for each in identities), tuple(grounds_of(each) for each in identities)
    tx.record(from_id, e.IdentityUnlinked(to_id, ids, grounds, reason=reason))
    for each in identities:
        tx.record(to_id, e.IdentityMoved(each.id, from_id, evidence, stated_by))
        if each.evidence == STATED and not matching.has_claim(tx.connection, from_id, each.address):
            link(tx, from_id, Address(CLAIM, each.address, from_id), STATED, stated_by=each.stated_by)


def grounds_of(identity: HeldIdentity) -> str:
    """What an identity is held by, as it stands in `IdentityUnlinked`."""
    return f"{identity.evidence}|{identity.stated_by}"


def unless_too_late(tx: Tx, identity: KnownIdentity, message: InboundMessage, *, window: int) -> KnownIdentity:
    """The identity of a first message from an address that was stated, and that no open conversation takes.

    Long after it was stated its owner gets a contact of their own: whoever stated it may have stated somebody else's,
    and what it was stated for is over. `window` is how long a statement holds by itself, microseconds.
    """
    held = matching.held_identity(tx.connection, identity.identity_id)
    stated = held if held is None or held.evidence == STATED else matching.held_identity(tx.connection, held.stated_by)
    if held is None or stated is None or tx.now - stated.linked_at <= window:
        return identity
    if matching.was_used(tx.connection, held.id) or matching.was_used(tx.connection, stated.id):
        return identity
    contact_id = create(tx, message.address.display_name, message.language)
    same = tuple({each.id: each for each in (stated, held)}.values())
    _move(tx, same, identity.contact_id, contact_id, "too_late", FIRST_MESSAGE)
    return replace(identity, contact_id=contact_id, evidence=FIRST_MESSAGE, stated_by="")


def state_details(tx: Tx, address: Address, name: str, email: str, phone: str, region: str = "") -> None:
    """Keeps what a customer said of themselves in a form. Stated addresses are linked where nobody has them yet.

    Args:
        tx: the transaction.
        address: whom they write from.
        name, email, phone: what they typed; empty where nothing.
        region: where the number is from unless it says so itself.

    Raises:
        Refused: a telephone number that is none, or too many different addresses from one visitor.
    """
    number = numbers.stated("phone", phone, region).dialable if phone.strip() else ""
    found = matching.identity(tx, address, inbox_id="", external_id="")
    if found is None:
        contact_id = create(tx, name or address.display_name, "")
        identity_id = link(tx, contact_id, address, FIRST_MESSAGE)
    else:
        contact_id, identity_id = found.contact_id, found.identity_id
        if name:
            tx.change(t.contact, {"id": contact_id}, {"name": name})
    add_evidence(
        tx, contact_id, (("email", email, STATED), (PHONE, number, STATED)), stated_by=identity_id, region=region
    )
    stated = [each for each in matching.identities_held(tx.connection, contact_id) if each.stated_by == identity_id]
    if len(stated) > MOST_STATED:
        raise Refused("phone" if phone else "email", "must not be another one again and again")


def add_by_agent(tx: Tx, contact_id: str, kind: str, value: str, region: str, by: e.Actor) -> str:
    """An agent writes down another address of a contact. Returns the identity's id.

    Args:
        tx: the transaction.
        contact_id: whose it is.
        kind: `phone` or `email`.
        value: the address, in any spelling.
        region: where a number is from unless it says so itself.
        by: the agent.

    Raises:
        Refused: what is no such address.
        Conflict: another contact has it, who may be the same person: people merge them, or unlink it there. Also where
            the contact is merged into another.
        NotFound: there is no such contact.
    """
    merged_into = matching.lock_contact(tx, contact_id)
    if merged_into is None:
        raise NotFound(f"there is no contact {contact_id}")
    if merged_into:
        raise Conflict(f"contact {contact_id} is merged into {merged_into}")
    if kind == PHONE:
        value = numbers.stated("value", value, numbers.check_region("region", region) if region else "").dialable
    elif not _WRITTEN_EMAIL.fullmatch(value.strip()):
        raise Refused("value", "must be an e-mail address, such as ana@example.org")
    address, wire = _evident(kind, value, region)
    if kind == PHONE:
        matching.lock_address(tx, address)
    for held in matching.identities_at(tx.connection, kind, address):
        if held.contact_id != contact_id:
            raise Conflict(f"contact {held.contact_id} has this address; merge the two if they are one person")
        if held.evidence == STATED:
            tx.record(contact_id, e.IdentityMoved(held.id, contact_id, BY_AGENT), by)
        return held.id
    return link(tx, contact_id, Address(_CHANNELS[kind], address), BY_AGENT, wire_address=wire, by=by)


def mentioned(texts: Iterable[str], region: str = "") -> tuple[str, ...]:
    """The telephone numbers and e-mail addresses in texts, as identities are found by them."""
    found: dict[str, None] = {}
    for text in texts:
        found |= dict.fromkeys(numbers.mentioned(text, region))
        found |= dict.fromkeys(each.lower() for each in _WRITTEN_EMAIL.findall(text))
    return tuple(found)[:MOST_MENTIONED]


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
    if not merged.identity_ids:
        raise Conflict("this contact has no address to come back with")
    if not set(merged.identity_ids) <= set(matching.identities_of(tx, merged.into_id)):
        raise Conflict("an address of this contact was given to somebody else since; take that back first")
    tx.record(contact_id, e.ContactMergeUndone(merged.into_id, merged.identity_ids, event_id), by)
    tx.record(merged.into_id, e.ContactMergeUndone(contact_id, (), event_id), by)
    for conversation_id in merged.conversation_ids:
        if tx.conversation(conversation_id).contact_id == merged.into_id:
            tx.record(conversation_id, e.MovedToContact(contact_id), by)
