"""Outside firms: who they are, and mails to them about a conversation."""

from __future__ import annotations

from hub.domain.hours import SECOND
from hub.hub import Hub
from hub.services import attachments
from hub.services import vendors as service
from hub.services.vendors import Ask, Composed
from hub.store.queries import messages as message_queries
from hub.store.queries import turns
from hub.store.queries import vendors as queries
from hub.store.queries.vendors import Vendor
from hub.web import render
from hub.web import schemas as s
from hub.web import schemas_conversations as sc
from hub.web.auth import api_blueprint, needs
from hub.web.context import the_hub, the_session

blueprint = api_blueprint("vendors", __name__, "Outside firms")


@blueprint.get("/vendors")
@needs("ask_vendors")
@blueprint.output(sc.Vendors)
def listed() -> sc.Vendors:
    """All outside firms"""
    with the_hub().store.read() as connection:
        return sc.Vendors(items=[_shown(each) for each in queries.every(connection)])


@blueprint.post("/vendors")
@needs("edit_vendors")
@blueprint.output(sc.VendorOut)
@blueprint.input(sc.VendorIn)
def add(json_data: sc.VendorIn) -> sc.VendorOut:
    """Add an outside firm"""
    return _saved("", json_data)


@blueprint.put("/vendors/<identifier:vendor_id>")
@needs("edit_vendors")
@blueprint.output(sc.VendorOut)
@blueprint.input(sc.VendorIn)
def change(vendor_id: str, json_data: sc.VendorIn) -> sc.VendorOut:
    """Change an outside firm

    One that is not active is asked no more; its answers still come back.
    """
    return _saved(vendor_id, json_data)


def _saved(vendor_id: str, given: sc.VendorIn) -> sc.VendorOut:
    hub = the_hub()
    vendor = Vendor(
        vendor_id,
        given.name,
        given.language,
        given.inbox_id,
        tuple(given.addresses),
        given.same_domain,
        given.active,
        given.answer_within_seconds * SECOND,
        given.page,
        given.tell_customer,
    )
    saved = hub.store.write(lambda tx: service.save(tx, vendor))
    with hub.store.read() as connection:
        return _shown(queries.get(connection, saved))


@blueprint.post("/conversations/<identifier:conversation_id>/vendor-mails/preview")
@needs("ask_vendors")
@blueprint.output(sc.VendorMailPreview)
@blueprint.input(sc.VendorMailIn)
def preview(conversation_id: str, json_data: sc.VendorMailIn) -> sc.VendorMailPreview:
    """What a mail to an outside firm would say

    Nothing is sent.
    """
    hub = the_hub()
    found = _composed(hub, conversation_id, json_data)
    return sc.VendorMailPreview(address=found.address, subject=found.subject, whole=found.whole)


@blueprint.post("/conversations/<identifier:conversation_id>/vendor-mails")
@needs("ask_vendors")
@blueprint.output(sc.MessageOut)
@blueprint.input(sc.VendorMailIn)
def ask(conversation_id: str, json_data: sc.VendorMailIn) -> sc.MessageOut:
    """Write to an outside firm about a conversation

    Whoever asks about a conversation that nobody has takes it. The firm's answer comes back into it; the customer sees
    neither, and hears once that a firm was asked unless the firm is set otherwise.
    """
    hub, agent_id = the_hub(), the_session().agent_id
    limit = _limit(hub, json_data.vendor_id)
    rules = {each.id: hub.channel_of(each).capabilities for each in hub.inboxes.every()}
    given = _ask(json_data)
    message_id = hub.store.write(
        lambda tx: service.ask(tx, conversation_id, agent_id, given, json_data.client_id, file_limit=limit, rules=rules)
    )
    with hub.store.read() as connection:
        return render.message(message_queries.get(connection, message_id), attachments.links(hub))


@blueprint.delete("/conversations/<identifier:conversation_id>/vendors/<identifier:vendor_id>")
@needs("ask_vendors")
@blueprint.output(s.Done)
def recall(conversation_id: str, vendor_id: str) -> s.Done:
    """Take back what an outside firm was asked

    Its page takes no answer any more, and no clock waits for it. What it answers by mail still comes in.
    """
    agent_id = the_session().agent_id
    the_hub().store.write(lambda tx: service.recall(tx, conversation_id, vendor_id, agent_id))
    return s.Done()


def _composed(hub: Hub, conversation_id: str, given: sc.VendorMailIn) -> Composed:
    limit = _limit(hub, given.vendor_id)
    with hub.store.read() as connection:
        state = turns.conversation(connection, conversation_id)
        return service.composed(connection, state, _ask(given), file_limit=limit)


def _limit(hub: Hub, vendor_id: str) -> int:
    """The most bytes of files that the firm's inbox sends."""
    with hub.store.read() as connection:
        vendor = queries.get(connection, vendor_id)
    return hub.channel_of(hub.inboxes.by_id(vendor.inbox_id)).capabilities.attachment_limit


def _ask(given: sc.VendorMailIn) -> Ask:
    return Ask(given.vendor_id, given.text, tuple(given.message_ids), tuple(given.attachment_ids), given.address or "")


def _shown(vendor: Vendor) -> sc.VendorOut:
    return sc.VendorOut(
        id=vendor.id,
        name=vendor.name,
        language=vendor.language,
        inbox_id=vendor.inbox_id,
        addresses=list(vendor.addresses),
        same_domain=vendor.same_domain,
        active=vendor.active,
        answer_within_seconds=vendor.answer_within // SECOND,
        page=vendor.page,
        tell_customer=vendor.tell_customer,
    )
