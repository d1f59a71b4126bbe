"""Outside firms that are asked for help by mail. Nothing here is projected."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from hub.store.tables.base import key, metadata, number, text

# `inbox_id`: the mailbox that they are written from. `same_domain`: whoever writes from a domain of theirs is them.
# `answer_within`: microseconds of their open hours; 0: they promise nothing. `page`: mails link to a page to answer by.
# `tell_customer`: the customer hears that a firm was asked.
vendor = Table(
    "vendor",
    metadata,
    key(),
    text("name"),
    text("language"),
    text("inbox_id"),
    Column("same_domain", Integer, nullable=False, server_default="0"),
    Column("active", Integer, nullable=False, server_default="1"),
    number("created_at"),
    number("answer_within"),
    Column("page", Integer, nullable=False, server_default="0"),
    Column("tell_customer", Integer, nullable=False, server_default="1"),
)

# `normal` is the address for comparison: it belongs to one firm. `domain` is the registered one; the first position is
# written to where nobody picks another.
vendor_address = Table(
    "vendor_address",
    metadata,
    key("normal"),
    text("vendor_id"),
    text("address"),
    text("domain"),
    number("position"),
    Index("ix_vendor_address_vendor_id", "vendor_id"),
    Index("ix_vendor_address_domain", "domain"),
)

# Which firm a message of the kind `vendor` went to or came from, and at which address. `ended`: why its page takes no
# answer to it any more (`done`, `recalled`); of an answer `done`, where the firm said so. `told`: the customer was.
vendor_mail = Table(
    "vendor_mail",
    metadata,
    key("message_id"),
    text("vendor_id"),
    text("address"),
    text("ended"),
    Column("told", Integer, nullable=False, server_default="0"),
    Index("ix_vendor_mail_vendor_id", "vendor_id"),
)
