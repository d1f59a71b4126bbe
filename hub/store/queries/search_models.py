"""Which sets of sentence models have read all articles, and which of them answered last."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from hub.store import tables as t
from hub.store.unit_of_work import Tx


@dataclass(frozen=True, slots=True)
class SearchModel:
    """`model` is the setting that names it, `model_id` what its passages carry."""

    model_id: str
    model: str


def last(connection: Connection) -> SearchModel | None:
    """The one by which everything was found most lately; None before the first."""
    c = t.search_model.c
    row = connection.execute(select(c.model_id, c.model).order_by(c.complete_at.desc(), c.model_id).limit(1)).first()
    return SearchModel(row.model_id, row.model) if row else None


def complete(tx: Tx, found: SearchModel) -> None:
    """Everything is found by this one now."""
    tx.upsert(t.search_model, {"model_id": found.model_id}, {"model": found.model, "complete_at": tx.now})
