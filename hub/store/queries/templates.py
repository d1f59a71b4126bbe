"""Approved texts, as they were last read from the provider."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from hub.domain.errors import NotFound
from hub.domain.templates import Approval, Template, TemplateButton
from hub.store import tables as t
from hub.store.unit_of_work import Tx

_t = t.template.c
_OWN_COLUMNS = ("name", "language", "category", "approval")


@dataclass(frozen=True, slots=True)
class Stored:
    """A template with our id and when it was read, microseconds."""

    id: str
    inbox_id: str
    template: Template
    synced_at: int


def of_inbox(connection: Connection, inbox_id: str) -> tuple[Stored, ...]:
    """All templates of an inbox, by name and language."""
    statement = select(t.template).where(_t.inbox_id == inbox_id).order_by(_t.name, _t.language)
    return tuple(_stored(row) for row in connection.execute(statement))


def get(connection: Connection, template_id: str) -> Stored:
    """Raises NotFound."""
    row = connection.execute(select(t.template).where(_t.id == template_id)).one_or_none()
    if row is None:
        raise NotFound("there is no such template")
    return _stored(row)


def synced_at(connection: Connection, inbox_id: str) -> int:
    """When the inbox's templates were last read, microseconds; 0: never, or there were none."""
    return connection.execute(select(func.max(_t.synced_at)).where(_t.inbox_id == inbox_id)).scalar_one() or 0


def replace_all(tx: Tx, inbox_id: str, found: Iterable[Template]) -> None:
    """What the provider has now; one that is gone there is gone here, and those that stay keep their ids."""
    kept = set()
    for each in found:
        where = {"inbox_id": inbox_id, "name": each.name, "language": each.language}
        kept.add((each.name, each.language))
        values = {"category": each.category, "approval": each.approval.value, "data": _data(each), "synced_at": tx.now}
        if not tx.change(t.template, where, values):
            tx.add(t.template, {"id": tx.new_id(), **where, **values})
    for stored in of_inbox(tx.connection, inbox_id):
        if (stored.template.name, stored.template.language) not in kept:
            tx.remove(t.template, {"id": stored.id})


def decided(tx: Tx, inbox_id: str, name: str, language: str, approval: Approval, reason: str) -> bool:
    """The provider's new word on one. Returns whether it is known here and that is news."""
    for stored in of_inbox(tx.connection, inbox_id):
        is_it = (stored.template.name, stored.template.language) == (name, language)
        if is_it and (stored.template.approval, stored.template.reason) != (approval, reason):
            data = json.dumps(json.loads(_data(stored.template)) | {"reason": reason}, ensure_ascii=False)
            return bool(tx.change(t.template, {"id": stored.id}, {"approval": approval.value, "data": data}))
    return False


def _data(template: Template) -> str:
    values = {name: value for name, value in asdict(template).items() if name not in _OWN_COLUMNS}
    return json.dumps(values, ensure_ascii=False)


def _stored(row: Any) -> Stored:
    data = json.loads(row.data)
    buttons = tuple(TemplateButton(**each) for each in data.pop("buttons"))
    template = Template(
        name=row.name,
        language=row.language,
        category=row.category,
        approval=Approval(row.approval),
        buttons=buttons,
        **data,
    )
    return Stored(row.id, row.inbox_id, template, row.synced_at)
