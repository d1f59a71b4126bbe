"""Texts that the provider has approved beforehand: read from it, kept, chosen by agents."""

from __future__ import annotations

from collections.abc import Sequence

from hub.domain.errors import Conflict, Refused
from hub.domain.messages import TemplateUpdate
from hub.domain.templates import OutboundTemplate
from hub.hub import Hub
from hub.ports import TemplateSource
from hub.store.queries import templates as queries
from hub.store.unit_of_work import Tx


def sync(hub: Hub, inbox_id: str) -> None:
    """Reads an inbox's templates from its provider and keeps them.

    Raises NotFound, Conflict where its channel knows no templates, ChannelError where the provider does not answer.
    """
    channel = hub.channel_of(hub.inboxes.by_id(inbox_id))
    if not isinstance(channel, TemplateSource):
        raise Conflict("this inbox's channel has no templates")
    found = channel.templates()
    hub.store.write(lambda tx: queries.replace_all(tx, inbox_id, found))


def decided(tx: Tx, inbox_id: str, update: TemplateUpdate) -> bool:
    """The provider has decided on a template. Returns whether that is news; one that is not known yet is none."""
    return queries.decided(tx, inbox_id, update.name, update.language, update.approval, update.reason)


def filled(tx: Tx, inbox_id: str, template_id: str, values: Sequence[str]) -> tuple[str, OutboundTemplate]:
    """What the customer will read, and the template with its values, on its way out by an inbox.

    Raises NotFound, and Refused for another inbox's template, one that may not be sent now, or values that do not fit.
    """
    stored = queries.get(tx.connection, template_id)
    template = stored.template
    if stored.inbox_id != inbox_id:
        raise Refused("template", "must be one of this inbox's")
    if template.why_not:
        raise Refused("template", f"must be one that can be sent; this one is {template.why_not}")
    text = template.text(values)
    outbound = OutboundTemplate(
        template.name, template.language, template.parameters, tuple(values), template.provider_id
    )
    return text, outbound
