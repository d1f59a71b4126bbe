"""People: team leads, shifts, wrap-up that ends by itself, several teams that help out, firms' own clocks, questions"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0012"
branch_labels = None
depends_on = None

_USUAL = 300_000_000


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _number(name: str, default: str = "0") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=default, nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


_team = sa.table("team", *map(sa.column, ("id", "overflow", "overflow_team", "overflow_after")))


def upgrade() -> None:
    op.add_column("team", _text("overflow"))
    op.add_column("team", _number("wrap_up"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(_team).where(_team.c.overflow_team != "")).all():
        helpers = json.dumps([{"team": row.overflow_team, "after": row.overflow_after}])
        connection.execute(sa.update(_team).where(_team.c.id == row.id).values(overflow=helpers))
    op.drop_column("team", "overflow_after")
    op.drop_column("team", "overflow_team")
    op.add_column("agent", _number("presence_until"))
    op.add_column("team_member", _count("lead"))
    op.create_table(
        "shift",
        sa.Column("agent_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        *map(_text, ("zone", "windows")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name="fk_shift_agent_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("agent_id", "day", name="pk_shift"),
    )
    op.create_index("ix_shift_day", "shift", ["day"])
    op.create_table(
        "question",
        sa.Column("name", sa.Text(), nullable=False),
        *map(_text, ("text_en", "text_es")),
        _number("position"),
        sa.PrimaryKeyConstraint("name", name="pk_question"),
    )
    op.add_column("vendor", _number("answer_within"))
    op.add_column("vendor", _count("page"))
    op.add_column("conversation", _text("vendor_id"))
    op.add_column("conversation", _number("vendor_due_at"))
    op.add_column("conversation", _count("vendor_overdue"))
    awaiting = sa.text("vendor_due_at > 0")
    op.create_index(
        "ix_conversation_vendor_due_at",
        "conversation",
        ["vendor_due_at"],
        postgresql_where=awaiting,
        sqlite_where=awaiting,
    )


def downgrade() -> None:
    op.drop_index("ix_conversation_vendor_due_at", "conversation")
    for table, names in (
        ("conversation", ("vendor_overdue", "vendor_due_at", "vendor_id")),
        ("vendor", ("page", "answer_within")),
    ):
        for name in names:
            op.drop_column(table, name)
    op.drop_table("question")
    op.drop_table("shift")
    op.drop_column("team_member", "lead")
    op.drop_column("agent", "presence_until")
    op.add_column("team", _text("overflow_team"))
    op.add_column("team", _number("overflow_after", str(_USUAL)))
    connection = op.get_bind()
    for row in connection.execute(sa.select(_team.c.id, _team.c.overflow).where(_team.c.overflow != "")).all():
        first = (json.loads(row.overflow) or [{"team": "", "after": _USUAL}])[0]
        values = {"overflow_team": first["team"], "overflow_after": first["after"]}
        connection.execute(sa.update(_team).where(_team.c.id == row.id).values(**values))
    op.drop_column("team", "wrap_up")
    op.drop_column("team", "overflow")
