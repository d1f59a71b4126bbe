"""Every table, a file per noun. Columns and constraints only: rules live in `hub.domain`.

Projected tables (`conversation`, `message_state`, `route`, `identity`'s contact, `agent`'s presence, `counter`) have no
foreign keys: they are rebuilt from the event log, in any order.
"""

from hub.store.tables.base import metadata
from hub.store.tables.change import early_change
from hub.store.tables.channel_rules import inbox_stop, reply_window, template
from hub.store.tables.contact import contact, contact_field, do_not_contact, identity
from hub.store.tables.conversation import conversation, counter, route, ticket_number
from hub.store.tables.deep_link import deep_link
from hub.store.tables.event import event
from hub.store.tables.inbox import inbox, set_aside, webhook_payload
from hub.store.tables.inbox_health import inbox_health
from hub.store.tables.knowledge import (
    article,
    article_category,
    article_image,
    article_offer,
    article_question,
    article_stream,
    article_use,
    article_use_cursor,
    article_version,
    article_version_image,
    passage,
    search_model,
)
from hub.store.tables.learning import case_base, gap, gap_question, guide, imprint, lesson, solved_case, task
from hub.store.tables.letter import letter, letter_copy, letter_id
from hub.store.tables.listener import listener
from hub.store.tables.message import attachment, message, remote_media
from hub.store.tables.outbox import outbox, sender_pace
from hub.store.tables.people import agent, shift, sign_in_attempt, sign_in_session, team, team_member
from hub.store.tables.record import (
    bot_memory,
    customer_record,
    identity_check,
    order_record,
    question,
    verification_code,
)
from hub.store.tables.routing import (
    agent_skill,
    agent_turn,
    answered,
    conversation_need,
    passed,
    presence_reason,
    skill,
)
from hub.store.tables.sla import opening_hours, sla_policy
from hub.store.tables.source import source
from hub.store.tables.vendor import vendor, vendor_address, vendor_mail

__all__ = [
    "agent",
    "agent_skill",
    "agent_turn",
    "answered",
    "article",
    "article_category",
    "article_image",
    "article_offer",
    "article_question",
    "article_stream",
    "article_use",
    "article_use_cursor",
    "article_version",
    "article_version_image",
    "attachment",
    "bot_memory",
    "case_base",
    "contact",
    "contact_field",
    "conversation",
    "conversation_need",
    "counter",
    "customer_record",
    "deep_link",
    "do_not_contact",
    "early_change",
    "event",
    "gap",
    "gap_question",
    "guide",
    "identity",
    "identity_check",
    "imprint",
    "inbox",
    "inbox_health",
    "inbox_stop",
    "lesson",
    "letter",
    "letter_copy",
    "letter_id",
    "listener",
    "message",
    "metadata",
    "opening_hours",
    "order_record",
    "outbox",
    "passage",
    "passed",
    "presence_reason",
    "question",
    "remote_media",
    "reply_window",
    "route",
    "search_model",
    "sender_pace",
    "set_aside",
    "shift",
    "sign_in_attempt",
    "sign_in_session",
    "skill",
    "sla_policy",
    "solved_case",
    "source",
    "task",
    "team",
    "team_member",
    "template",
    "ticket_number",
    "vendor",
    "vendor_address",
    "vendor_mail",
    "verification_code",
    "webhook_payload",
]
