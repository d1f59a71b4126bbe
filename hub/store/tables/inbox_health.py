"""How inboxes are: when their providers last called, what they last said of the account. Nothing here is projected."""

from __future__ import annotations

from sqlalchemy import Table

from hub.store.tables.base import key, metadata, number, text

# Times in microseconds, 0: never. `heard_at` and `sent_at` are half a minute late at most; `refusal` is why the last
# call that was not believed was refused. `state` is JSON of `hub.domain.inbox.AccountState`, as of `checked_at`;
# `error` (with its `code`) where the provider refused instead. `check_at` is when it is asked again, `renewed_at` when
# the token was last exchanged.
inbox_health = Table(
    "inbox_health",
    metadata,
    key("inbox_id"),
    number("heard_at"),
    number("sent_at"),
    number("refused_at"),
    text("refusal"),
    number("checked_at"),
    text("code"),
    text("error"),
    text("state"),
    number("check_at"),
    number("renewed_at"),
)
