"""`hub.ports.Nearby` by pgvector: PostgreSQL names the passages nearest to a question."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

from sqlalchemy.exc import DBAPIError

from hub.domain.errors import Unavailable
from hub.ports import Held
from hub.store.queries import vectors
from hub.store.unit_of_work import PostgresStore, Tx

_AT_ONCE = 20  # articles whose vectors one transaction takes in


class PgvectorNearby:
    """See the port; what it reads is a copy (`hub.store.queries.vectors`) that follows each change of the passages."""

    def __init__(self, store: PostgresStore) -> None:
        self._store = store

    def prepare(self, model_id: str) -> None:
        """Makes the table, fills it, and makes an index for each encoder."""
        try:
            with self._store.engine.begin() as connection:
                vectors.lock(connection)
                if not vectors.is_offered(connection):
                    raise Unavailable("the database server has no pgvector", retry_after=3600)
                if not vectors.is_there(connection):
                    vectors.make(connection)
        except DBAPIError as refused:
            raise Unavailable(
                "pgvector is not enabled: CREATE EXTENSION vector; as a superuser, in the hub's database",
                retry_after=3600,
            ) from refused
        last = ""
        while some := self._missing(model_id, last):
            self._store.write(partial(_take_in, article_ids=some, model_id=model_id))
            last = some[-1]
        with self._store.engine.begin() as connection:
            vectors.lock(connection)
            vectors.make_indexes(connection, model_id)

    def lacks(self, model_id: str) -> str:
        with self._store.read() as connection:
            if not vectors.is_there(connection):
                return "pgvector is not enabled" if vectors.is_offered(connection) else "the server has no pgvector"
            return "not all vectors are in it yet" if vectors.missing(connection, model_id) else ""

    def candidates(
        self, model_id: str, queries: Mapping[int, tuple[Sequence[float], float]], count: int, also: Collection[str]
    ) -> Held:
        try:
            with self._store.read() as connection:
                wanted = set(also)
                if queries:
                    asked = {encoder: query for encoder, (query, _) in queries.items()}
                    weights = {encoder: weight for encoder, (_, weight) in queries.items()}
                    wanted |= _together(vectors.nearest(connection, model_id, asked), weights, count)
                return dict(vectors.of_articles(connection, model_id, wanted)) if wanted else {}
        except DBAPIError as error:
            raise Unavailable("the database does not name what is nearest") from error

    def _missing(self, model_id: str, after: str) -> list[str]:
        with self._store.read() as connection:
            return vectors.missing(connection, model_id, after=after, limit=_AT_ONCE)


def _take_in(tx: Tx, *, article_ids: Sequence[str], model_id: str) -> None:
    vectors.take_in(tx.connection, article_ids, model_id)


def _together(named: Iterable[tuple[int, str, float]], weights: Mapping[int, float], count: int) -> set[str]:
    """The articles nearest by all encoders. Where one does not name an article it is as far as the last that it names:
    further away, but nobody knows by how much."""
    best: dict[int, dict[str, float]] = {encoder: {} for encoder in weights}
    for encoder, article_id, cosine in named:
        best[encoder].setdefault(article_id, cosine)
    scores: dict[str, float] = {}
    for encoder, found in best.items():
        last = min(found.values(), default=0.0)
        for article_id, cosine in found.items():
            scores[article_id] = scores.get(article_id, 0.0) + weights[encoder] * (cosine - last)
    return set(heapq.nlargest(count, scores, key=scores.__getitem__))
