"""Files that belong to messages."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from hub.domain.errors import Refused
from hub.domain.messages import Attachment
from hub.store import tables as t
from hub.store.unit_of_work import Tx


def claim(tx: Tx, attachment_ids: Sequence[str], *, owner: str, message_id: str) -> tuple[Attachment, ...]:
    """Makes uploaded files part of a message, in the order given.

    Args:
        attachment_ids: as the upload gave them.
        owner: who uploaded: `agent:<id>` or `<channel>:<scope>:<address>`.
        message_id: the message that takes them.

    Raises:
        Refused: one of them is not there, not the owner's, or part of a message already.
    """
    if not attachment_ids:
        return ()
    a = t.attachment.c
    mine = a.id.in_(attachment_ids) & (a.owner == owner) & (a.message_id == "")
    rows = tx.connection.execute(
        update(t.attachment).where(mine).values(message_id=message_id).returning(a.id, a.name, a.media_type, a.size)
    ).all()
    found = {row.id: Attachment(row.id, row.name, row.media_type, row.size) for row in rows}
    for attachment_id in attachment_ids:
        if attachment_id not in found:
            raise Refused("attachments", f"{attachment_id} is not an uploaded file of yours, or was sent already")
    return tuple(found[each] for each in dict.fromkeys(attachment_ids))


def of_message(tx: Tx, message_id: str) -> tuple[Attachment, ...]:
    """The files of a message, in the order of their upload."""
    a = t.attachment.c
    rows = tx.connection.execute(
        select(a.id, a.name, a.media_type, a.size).where(a.message_id == message_id).order_by(a.id)
    )
    return tuple(Attachment(*row) for row in rows)


def get(connection: Connection, attachment_id: str) -> Attachment | None:
    """An uploaded file, whether a message has it or not; None where there is none."""
    a = t.attachment.c
    row = connection.execute(select(a.id, a.name, a.media_type, a.size).where(a.id == attachment_id)).one_or_none()
    return Attachment(*row) if row else None
