"""Case bases, solved cases, and guided troubleshooting as it stands in a conversation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, desc, func, select

from hub.domain.cases import Case, CaseBase, read_base
from hub.store import tables as t
from hub.store.prepared import Prepared

_s, _b = t.solved_case.c, t.case_base.c

# Every turn of the bot asks.
_GUIDE = Prepared(select(t.guide).where(t.guide.c.conversation_id == bindparam("conversation")))
_BASES_STAMP = Prepared(select(func.count(), func.max(_b.updated_at)).select_from(t.case_base))
_CASES_STAMP = Prepared(select(func.count(), func.max(_s.created_at)).where(_s.state == "active"))


def bases(connection: Connection) -> list[CaseBase]:
    """All case bases with the cases that are active."""
    rows = connection.execute(select(t.case_base.c.id, t.case_base.c.document).order_by(t.case_base.c.id)).all()
    if not rows:
        return []
    active: dict[str, list[Case]] = {}
    statement = select(_s.id, _s.base_id, _s.solution, _s.answers, _s.text, _s.language).where(_s.state == "active")
    for row in connection.execute(statement.order_by(_s.created_at, _s.id)):
        case = Case(row.id, row.solution, json.loads(row.answers), row.text, row.language)
        active.setdefault(row.base_id, []).append(case)
    return [read_base(row.document, active.get(row.id, [])) for row in rows]


def stamp(connection: Connection) -> tuple[Any, ...]:
    """What changes whenever a base or an active case does."""
    return (*_BASES_STAMP.one(connection, {}), *_CASES_STAMP.one(connection, {}))


def guide(connection: Connection, conversation_id: str) -> Any:
    """The row of a conversation's troubleshooting; None where there is none."""
    return _GUIDE.one(connection, {"conversation": conversation_id})


def solved(connection: Connection, state: str, limit: int = 200) -> list[Any]:
    """Rows of solved cases in a state, the newest first."""
    statement = select(t.solved_case).where(_s.state == state).order_by(desc(_s.created_at), desc(_s.id))
    return list(connection.execute(statement.limit(limit)).all())


def one(connection: Connection, case_id: str) -> Any:
    """The row of a solved case; None where there is none."""
    return connection.execute(select(t.solved_case).where(_s.id == case_id)).one_or_none()


def of_conversation(connection: Connection, conversation_id: str) -> list[Any]:
    """The solved cases that a conversation became."""
    return list(connection.execute(select(t.solved_case).where(_s.conversation_id == conversation_id)).all())


def has_base(connection: Connection, ids: Sequence[str]) -> bool:
    """Whether any of these bases is there."""
    return connection.execute(select(t.case_base.c.id).where(t.case_base.c.id.in_(ids))).first() is not None
