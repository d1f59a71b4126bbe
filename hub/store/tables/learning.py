"""What the questions teach: cases, gaps, lessons; and long pieces of work that editors ask for.

Questions themselves stay in `message`, where they can be erased: here are their ids and what was made of them.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text

from hub.store.tables.base import key, metadata, number, text

# `given` and `result` are JSON. `state`: waiting, running, done, failed.
task = Table(
    "task",
    metadata,
    key(),
    text("kind"),
    text("state", server_default="waiting"),
    text("asked_by"),
    number("asked_at"),
    number("ended_at"),
    text("given", server_default="{}"),
    text("result"),
    text("error"),
    Index("ix_task_kind", "kind", "asked_at"),
)

# A case base's questions and solutions in all languages, one JSON document; see hub/domain/cases.py.
case_base = Table("case_base", metadata, key(), text("document", server_default="{}"), number("updated_at"))

# `answers` is JSON. `state`: proposed, active, declined. `text` is how the customer told it; empty once erased.
solved_case = Table(
    "solved_case",
    metadata,
    key(),
    text("base_id"),
    text("solution"),
    text("answers", server_default="{}"),
    text("text"),
    text("language"),
    text("state"),
    text("conversation_id"),
    text("proposed_by"),
    text("decided_by"),
    number("created_at"),
    Index("ix_solved_case_state", "state", "created_at"),
    Index("ix_solved_case_conversation_id", "conversation_id"),
)

# Guided troubleshooting as it stands in a conversation. `answers` and `excluded` are JSON, `asked` the open question.
# `state`: asking, offered (a solution), solved, given_up.
guide = Table(
    "guide",
    metadata,
    Column("conversation_id", Text, primary_key=True),
    text("base_id"),
    text("told"),
    text("answers", server_default="{}"),
    text("excluded", server_default="[]"),
    text("asked"),
    text("solution"),
    text("state"),
    number("updated_at"),
)

# A question as the models read it, so that neither gaps nor similar conversations read it again.
imprint = Table(
    "imprint",
    metadata,
    Column("message_id", Text, nullable=False),
    Column("model_id", Text, nullable=False),
    text("conversation_id"),
    number("at"),
    Column("data", LargeBinary, nullable=False),
    PrimaryKeyConstraint("message_id", "model_id"),
    Index("ix_imprint_model_id", "model_id", "at"),
)

# Questions that nobody could answer and that mean the same. `words` is JSON. `minutes` of agents a week, in hundredths;
# `before` and `after` are those around the publishing of its article. `state`: open, drafted, published, dismissed.
gap = Table(
    "gap",
    metadata,
    key(),
    text("name"),
    text("words", server_default="[]"),
    text("language"),
    text("state", server_default="open"),
    text("article_id"),
    text("locale"),
    number("questions"),
    number("minutes"),
    number("before"),
    number("after"),
    number("published_at"),
    number("measured_at"),
    number("updated_at"),
    Index("ix_gap_state", "state", "minutes"),
)

gap_question = Table(
    "gap_question",
    metadata,
    Column("message_id", Text, primary_key=True),
    text("gap_id"),
    text("conversation_id"),
    text("reason"),
    number("at"),
    number("handled"),
    Index("ix_gap_question_gap_id", "gap_id", "at"),
)

# What an agent taught: this article answers this message, or should say this instead. `state`: proposed, accepted,
# declined.
lesson = Table(
    "lesson",
    metadata,
    key(),
    text("conversation_id"),
    text("message_id"),
    text("article_id"),
    text("locale"),
    text("answer"),
    text("state"),
    text("proposed_by"),
    text("decided_by"),
    number("created_at"),
    number("decided_at"),
    Index("ix_lesson_state", "state", "created_at"),
    Index("ix_lesson_message_id", "message_id"),
)
