"""Open hours, promises to customers and their clocks, fields of contacts, codes that prove an address"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

_TEXTS = ("sla_policy", "sla_hours", "sla_state", "sla_clock")
_NUMBERS = ("sla_due_at", "sla_next_at")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def upgrade() -> None:
    for name in _TEXTS:
        op.add_column("conversation", _text(name))
    for name in _NUMBERS:
        op.add_column("conversation", _number(name))
    op.add_column("conversation", _count("sla_breached"))
    announcing = sa.text("sla_next_at > 0")
    op.create_index(
        "ix_conversation_sla_next_at",
        "conversation",
        ["sla_next_at"],
        sqlite_where=announcing,
        postgresql_where=announcing,
    )
    op.create_table(
        "opening_hours",
        sa.Column("id", sa.Text(), nullable=False),
        *map(_text, ("owner", "data", "country", "region", "agent_id")),
        _number("at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opening_hours")),
    )
    op.create_index("ix_opening_hours_owner", "opening_hours", ["owner", "id"])
    op.create_table(
        "sla_policy",
        sa.Column("id", sa.Text(), nullable=False),
        *map(_text, ("policy_id", "data", "agent_id")),
        _number("position"),
        _count("withdrawn"),
        _number("at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_policy")),
    )
    op.create_index("ix_sla_policy_policy_id", "sla_policy", ["policy_id", "id"])
    op.create_table(
        "contact_field",
        sa.Column("contact_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *map(_text, ("value", "agent_id")),
        _number("at"),
        sa.PrimaryKeyConstraint("contact_id", "name", name=op.f("pk_contact_field")),
    )
    op.create_table(
        "verification_code",
        sa.Column("id", sa.Text(), nullable=False),
        *map(_text, ("conversation_id", "identity_id", "message_id", "nonce")),
        *map(_number, ("at", "expires_at", "used_at")),
        _count("tries"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_code")),
    )
    op.create_index("ix_verification_code_conversation_id", "verification_code", ["conversation_id", "id"])
    op.create_index("ix_verification_code_identity_id", "verification_code", ["identity_id", "at"])


def downgrade() -> None:
    for name in ("verification_code", "contact_field", "sla_policy", "opening_hours"):
        op.drop_table(name)
    op.drop_index("ix_conversation_sla_next_at", "conversation")
    for name in ("sla_breached", *_NUMBERS, *_TEXTS):
        op.drop_column("conversation", name)
