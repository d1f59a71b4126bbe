"""Passages' vectors as pgvector has them: a copy of what is in `passage`, by which PostgreSQL finds the nearest.

The table is no part of the schema's history (`hub.store.migrations`): not every server has the extension, one may get
it at any time, and all that is in it can be made again from `passage`.

A search reads an HNSW index: comparing a question with each of 40,000 vectors takes PostgreSQL some 30 ms, and there
are three encoders (docs/knowledge.md). Nothing but what the index is made for is asked of it, so that an iterative
scan, which pgvector has for filters, would find nothing more.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from zlib import crc32

from sqlalchemy import ARRAY, Connection, Text, any_, literal, select, text

from hub.store import tables as t

TABLE = "passage_vector"
# What an HNSW index takes of 16-bit floats.
_MOST_DIMENSIONS = 4000
# So many passages are named by each encoder, which is also what pgvector looks for (hnsw.ef_search, at most 1000).
NAMED = 200

_p = t.passage.c


def mark(model_id: str) -> int:
    """A model's number in the table: indexes are for one model each, and have its number written into them."""
    return crc32(model_id.encode()) & 0x7FFFFFFF


def is_there(connection: Connection) -> bool:
    """Whether the table was made."""
    return connection.execute(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": TABLE}).scalar_one() is True


def is_offered(connection: Connection) -> bool:
    """Whether the server has the extension, enabled in this database or not."""
    statement = text("SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector')")
    return connection.execute(statement).scalar_one() is True


def lock(connection: Connection) -> None:
    """Lets one process at a time make the table and its indexes, until the end of the transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('passage_vector', 0))"))


def make(connection: Connection) -> None:
    """Enables the extension and makes the table. Raises DBAPIError where we may not."""
    connection.execute(text("CREATE EXTENSION IF NOT EXISTS vector"))
    connection.execute(
        text(
            f"CREATE TABLE IF NOT EXISTS {TABLE} (model integer NOT NULL, encoder smallint NOT NULL, "
            "article_id text NOT NULL, vector halfvec NOT NULL)"
        )
    )
    connection.execute(text(f"CREATE INDEX IF NOT EXISTS ix_{TABLE} ON {TABLE} (article_id, model)"))


def make_indexes(connection: Connection, model_id: str) -> None:
    """An index for each encoder of a model that has none yet."""
    model = mark(model_id)
    sizes = text(f"SELECT DISTINCT encoder, vector_dims(vector) FROM {TABLE} WHERE model = {model}")  # noqa: S608  # a number
    for encoder, dimensions in connection.execute(sizes).all():
        if dimensions <= _MOST_DIMENSIONS:
            connection.execute(
                text(
                    f"CREATE INDEX IF NOT EXISTS ix_{TABLE}_{model}_{encoder} ON {TABLE} "
                    f"USING hnsw ((vector::halfvec({dimensions})) halfvec_ip_ops) "
                    f"WHERE model = {model} AND encoder = {encoder}"
                )
            )


def missing(connection: Connection, model_id: str, *, after: str = "", limit: int = 1) -> list[str]:
    """Articles with passages of a model and none of their vectors, in order, from one on."""
    statement = text(
        f"SELECT DISTINCT article_id FROM passage WHERE model_id = :model_id AND NOT EXISTS (SELECT FROM {TABLE} v "  # noqa: S608  # our own names
        "WHERE v.article_id = passage.article_id AND v.model = :model) AND article_id > :after "
        "ORDER BY article_id LIMIT :limit"
    )
    values = {"model_id": model_id, "model": mark(model_id), "after": after, "limit": limit}
    return list(connection.execute(statement, values).scalars())


def take_in(connection: Connection, article_ids: Sequence[str], model_id: str) -> None:
    """Copies articles' vectors anew from their passages."""
    values = {"model": mark(model_id), "article_ids": list(article_ids)}
    connection.execute(
        text(f"DELETE FROM {TABLE} WHERE article_id = ANY(:article_ids) AND model = :model"),  # noqa: S608  # our own names
        values,
    )
    rows = [
        {"model": values["model"], "encoder": encoder, "article_id": key[0], "vector": _written(vector)}
        for key, packed in of_articles(connection, model_id, article_ids)
        for encoder, vector in enumerate(_unpacked(packed))
        if vector
    ]
    if rows:
        columns = "(:model, :encoder, :article_id, CAST(:vector AS halfvec))"
        connection.execute(text(f"INSERT INTO {TABLE} (model, encoder, article_id, vector) VALUES {columns}"), rows)  # noqa: S608  # our own


def nearest(
    connection: Connection, model_id: str, queries: Mapping[int, Sequence[float]]
) -> Iterator[tuple[int, str, float]]:
    """The passages nearest to a question by each encoder: the encoder, the article, the cosine, the highest first."""
    connection.execute(text("SELECT set_config('hnsw.ef_search', :count, true)"), {"count": str(NAMED)})
    statement = nearest_statement(model_id, {encoder: len(query) for encoder, query in queries.items()})
    values = {f"query_{encoder}": _written(query) for encoder, query in queries.items()}
    for row in connection.execute(text(statement), values):
        yield row.encoder, row.article_id, -row.distance


def nearest_statement(model_id: str, dimensions: Mapping[int, int]) -> str:
    """What `nearest` asks, with a parameter `query_0` for encoder 0 and so on."""
    # The numbers are written out: no index that is for one model is taken for one that only a parameter names.
    return " UNION ALL ".join(
        f"(SELECT {encoder:d} AS encoder, article_id, "  # noqa: S608  # numbers
        f"(vector::halfvec({width})) <#> CAST(:query_{encoder:d} AS halfvec({width})) AS distance "
        f"FROM {TABLE} WHERE model = {mark(model_id)} AND encoder = {encoder:d} ORDER BY distance LIMIT {NAMED})"
        for encoder, width in dimensions.items()
    )


def of_articles(
    connection: Connection, model_id: str, article_ids: Collection[str]
) -> Iterator[tuple[tuple[str, str, int], bytes]]:
    """The vectors of articles' passages, by article, locale and ordinal."""
    wanted = _p.article_id == any_(literal(sorted(article_ids), ARRAY(Text)))
    for row in connection.execute(
        select(_p.article_id, _p.locale, _p.ordinal, _p.vectors).where(_p.model_id == model_id, wanted)
    ):
        yield (row.article_id, row.locale, row.ordinal), row.vectors


def _unpacked(packed: bytes) -> Iterator[tuple[float, ...]]:
    """A passage's vectors, one for each encoder, empty where it did not serve; `kb/vectors.py` says the format."""
    position = 0
    while position < len(packed):
        (dimensions,) = struct.unpack_from("<H", packed, position)
        yield struct.unpack_from(f"<{dimensions}e", packed, position + 2)
        position += 2 + 2 * dimensions


def _written(vector: Sequence[float]) -> str:
    return f"[{','.join(map(repr, vector))}]"
