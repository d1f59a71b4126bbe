"""Bringing articles in from other programs and giving them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from hub.domain import events as e
from hub.domain.errors import DatabaseAway, HubError
from hub.services import article_html, articles
from hub.services.article_formats import Foreign, Read, Unreadable
from hub.store.queries import articles as queries
from hub.store.unit_of_work import Reading, Store, Tx


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file's articles; `refused` with their reasons."""

    created: int
    changed: int
    unchanged: int
    categories: int
    refused: tuple[Unreadable, ...]


def bring_in(store: Store, found: Sequence[Read], *, by: e.Actor, publish: bool = False) -> Report:
    """Keeps what was read as drafts, article by article: one that cannot be kept does not hold up the others.

    Args:
        store: of the hub.
        found: of `hub.services.article_formats.read`.
        by: who does it.
        publish: makes public what was public there. For whoever runs this machine: nobody reviews it here.
    """
    refused: list[Unreadable] = []
    counts = {"created": 0, "changed": 0, "unchanged": 0, "categories": 0}
    for each in found:
        if isinstance(each, Unreadable):
            refused.append(each)
            continue
        try:
            outcome, new_category = store.write(partial(_bring, each=each, by=by, publish=publish))
        except DatabaseAway:
            raise  # it is not the article's fault
        except HubError as error:
            refused.append(Unreadable(each.where, str(error)))
            continue
        counts[outcome] += 1
        counts["categories"] += new_category
    return Report(**counts, refused=tuple(refused))


def _bring(tx: Tx, each: Foreign, by: e.Actor, *, publish: bool) -> tuple[str, bool]:
    is_new = queries.lock(tx, each.article_id, each.locale) is None
    first = not queries.has_stream(tx, each.article_id)
    changed = articles.bring(tx, each.article_id, locale=each.locale, title=each.title, html=each.html, by=by)
    category_id, new_category = _category(tx, each)
    # What is internal there never becomes public here by itself; what an editor here has placed stays in its place.
    if first or each.internal:
        articles.place(tx, each.article_id, category_id=category_id, internal=each.internal, by=by)
    if publish and each.published:
        articles.publish(tx, each.article_id, locale=each.locale, by=by, reviewed=False)
    return "created" if is_new else "changed" if changed else "unchanged", new_category


def _category(tx: Tx, each: Foreign) -> tuple[str, bool]:
    """(id, whether it is new) of the category with this name in any locale; none where there is no name."""
    name = each.category.strip()[:120]
    if not name:
        return "", False
    known = queries.categories(tx.connection)
    mine = next((one.id for one in known if name in one.names.values()), None)
    if mine is not None:
        return mine, False
    return articles.create_category(tx, names={each.locale: name}, position=len(known)), True


def give_out(connection: Reading) -> list[Foreign]:
    """Every article that is not archived: what is public where something is, else the draft."""
    names = {each.id: each.names for each in queries.categories(connection)}
    found = []
    for each in queries.every(connection):
        text = queries.version(connection, each.article_id, each.locale, each.version) if each.version else each
        its_names = names.get(each.category_id, {})
        found.append(
            Foreign(
                where="",
                article_id=each.article_id,
                locale=each.locale,
                title=text.title,
                html=text.html or article_html.from_text(text.body),
                category=its_names.get(each.locale) or next(iter(its_names.values()), ""),
                internal=bool(each.internal),
                published=bool(each.version),
            )
        )
    return found
