"""What the questions teach: cases, gaps, lessons, and long pieces of work"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0010"
branch_labels = None
depends_on = None


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)


def _key(name: str = "id") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _primary(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def upgrade() -> None:
    op.create_table(
        "task",
        _key(),
        _text("kind"),
        _text("state", "waiting"),
        _text("asked_by"),
        _number("asked_at"),
        _number("ended_at"),
        _text("given", "{}"),
        _text("result"),
        _text("error"),
        _primary("task", "id"),
    )
    op.create_index("ix_task_kind", "task", ["kind", "asked_at"])
    op.create_table("case_base", _key(), _text("document", "{}"), _number("updated_at"), _primary("case_base", "id"))
    op.create_table(
        "solved_case",
        _key(),
        _text("base_id"),
        _text("solution"),
        _text("answers", "{}"),
        *map(_text, ("text", "language", "state", "conversation_id", "proposed_by", "decided_by")),
        _number("created_at"),
        _primary("solved_case", "id"),
    )
    op.create_index("ix_solved_case_state", "solved_case", ["state", "created_at"])
    op.create_index("ix_solved_case_conversation_id", "solved_case", ["conversation_id"])
    op.create_table(
        "guide",
        _key("conversation_id"),
        _text("base_id"),
        _text("told"),
        _text("answers", "{}"),
        _text("excluded", "[]"),
        *map(_text, ("asked", "solution", "state")),
        _number("updated_at"),
        _primary("guide", "conversation_id"),
    )
    op.create_table(
        "imprint",
        _key("message_id"),
        _key("model_id"),
        _text("conversation_id"),
        _number("at"),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        _primary("imprint", "message_id", "model_id"),
    )
    op.create_index("ix_imprint_model_id", "imprint", ["model_id", "at"])
    op.create_table(
        "gap",
        _key(),
        _text("name"),
        _text("words", "[]"),
        _text("language"),
        _text("state", "open"),
        *map(_text, ("article_id", "locale")),
        *map(_number, ("questions", "minutes", "before", "after", "published_at", "measured_at", "updated_at")),
        _primary("gap", "id"),
    )
    op.create_index("ix_gap_state", "gap", ["state", "minutes"])
    op.create_table(
        "gap_question",
        _key("message_id"),
        *map(_text, ("gap_id", "conversation_id", "reason")),
        *map(_number, ("at", "handled")),
        _primary("gap_question", "message_id"),
    )
    op.create_index("ix_gap_question_gap_id", "gap_question", ["gap_id", "at"])
    op.create_table(
        "lesson",
        _key(),
        *map(_text, ("conversation_id", "message_id", "article_id", "locale", "answer", "state")),
        *map(_text, ("proposed_by", "decided_by")),
        *map(_number, ("created_at", "decided_at")),
        _primary("lesson", "id"),
    )
    op.create_index("ix_lesson_state", "lesson", ["state", "created_at"])
    op.create_index("ix_lesson_message_id", "lesson", ["message_id"])


def downgrade() -> None:
    for table in ("lesson", "gap_question", "gap", "imprint", "guide", "solved_case", "case_base", "task"):
        op.drop_table(table)
