"""What time does to articles: the sweeper comes round every few seconds."""

from __future__ import annotations

from functools import partial

from hub.hub import Hub
from hub.services import article_figures, articles
from hub.store.queries import articles as queries


def go_round(hub: Hub) -> None:
    """Publishes what was scheduled, takes out what has expired, reads the log on for the figures."""
    with hub.store.read() as connection:
        publish, expire = queries.due(connection, hub.clock.now())
    for article_id, locale in publish:
        hub.store.write(partial(articles.publish_due, article_id=article_id, locale=locale))
    for article_id, locale in expire:
        hub.store.write(partial(articles.expire_due, article_id=article_id, locale=locale))
    article_figures.follow(hub)
