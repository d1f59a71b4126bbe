"""Routing: skills, capacity, how teams' queues are served, offers, what is remembered of who was given what"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0009"
branch_labels = None
depends_on = None

_REASONS = (
    ("lunch", "break", "Lunch", "Comida"),
    ("rest", "break", "Short break", "Pausa breve"),
    ("training", "busy", "Training", "Formación"),
    ("meeting", "busy", "Meeting", "Reunión"),
    ("back_office", "busy", "Other work", "Otras tareas"),
)


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _number(name: str, default: str = "0") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=default, nullable=False)


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def upgrade() -> None:
    op.create_table("skill", _key("name"), _text("kind", "topic"), sa.PrimaryKeyConstraint("name", name="pk_skill"))
    op.create_table(
        "agent_skill",
        _key("agent_id"),
        _key("skill"),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name="fk_agent_skill_agent_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["skill"], ["skill.name"], name="fk_agent_skill_skill", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("agent_id", "skill", name="pk_agent_skill"),
    )
    op.create_index("ix_agent_skill_skill", "agent_skill", ["skill"])
    op.create_table(
        "agent_turn",
        _key("agent_id"),
        _number("given_at"),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name="fk_agent_turn_agent_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("agent_id", name="pk_agent_turn"),
    )
    op.create_table(
        "conversation_need",
        _key("conversation_id"),
        _key("skill"),
        sa.Column("level", sa.Integer(), server_default="1", nullable=False),
        sa.Column("required", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["skill"], ["skill.name"], name="fk_conversation_need_skill", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation_id", "skill", name="pk_conversation_need"),
    )
    op.create_index("ix_conversation_need_skill", "conversation_need", ["skill"])
    op.create_table(
        "passed",
        _key("conversation_id"),
        _key("agent_id"),
        _number("until"),
        sa.PrimaryKeyConstraint("conversation_id", "agent_id", name="pk_passed"),
    )
    op.create_table(
        "answered",
        _key("id"),
        _text("team_id"),
        _text("agent_id"),
        _number("waiting_since"),
        _number("at"),
        sa.PrimaryKeyConstraint("id", name="pk_answered"),
    )
    op.create_index("ix_answered_team_id_at", "answered", ["team_id", "at"])
    op.create_index("ix_answered_at", "answered", ["at"])
    reasons = op.create_table(
        "presence_reason",
        _key("code"),
        *map(_text, ("presence", "name_en", "name_es")),
        _number("position"),
        sa.PrimaryKeyConstraint("code", name="pk_presence_reason"),
    )
    names = ("code", "presence", "name_en", "name_es", "position")
    op.bulk_insert(reasons, [dict(zip(names, (*each, n), strict=True)) for n, each in enumerate(_REASONS)])
    op.add_column("team", _text("choice", "longest_idle"))
    op.add_column("team", _text("overflow_team"))
    op.add_column("team", _number("overflow_after", "300000000"))
    op.add_column("team", _text("widening"))
    op.add_column("agent", _text("capacity"))
    op.add_column("conversation", _text("offered_to"))
    op.add_column("conversation", _number("offered_until"))
    where = sa.text("offered_to <> ''")
    op.create_index(
        "ix_conversation_offered", "conversation", ["offered_until"], postgresql_where=where, sqlite_where=where
    )


def downgrade() -> None:
    op.drop_index("ix_conversation_offered", "conversation")
    for table, names in (
        ("conversation", ("offered_until", "offered_to")),
        ("agent", ("capacity",)),
        ("team", ("widening", "overflow_after", "overflow_team", "choice")),
    ):
        for name in names:
            op.drop_column(table, name)
    for name in ("presence_reason", "answered", "passed", "conversation_need", "agent_turn", "agent_skill", "skill"):
        op.drop_table(name)
