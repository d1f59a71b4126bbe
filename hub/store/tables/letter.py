"""What mails have besides their text. Nothing here is projected: it is read with the message, and erased with it."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table, Text

from hub.store.tables.base import key, metadata, number, text

# By what replies name a message: its Message-ID, further ones that gateways gave it, and `index:` with the root of
# Outlook's thread. `position` is 0 for the one that answers refer to. `topic` is the Outlook thread's, of which an old
# mail used as a template changes the words.
letter_id = Table(
    "letter_id",
    metadata,
    Column("inbox_id", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("message_id", Text, primary_key=True),
    number("position"),
    text("topic"),
    Index("ix_letter_id_message_id", "message_id"),
)

# `whole` is the body with all that it quotes, `html` is safe to show. Empty subject: a mail may have none.
letter = Table(
    "letter",
    metadata,
    key("message_id"),
    text("subject"),
    text("whole"),
    text("html"),
)

# Who else got a mail: they may answer in its conversation.
letter_copy = Table(
    "letter_copy",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("address", Text, primary_key=True),
)
