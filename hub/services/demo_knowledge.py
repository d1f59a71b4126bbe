"""What the demo firm's editors have at hand, beside the articles that answer its customers."""

from __future__ import annotations

import json
from importlib.resources import files

from hub.domain import events as e
from hub.domain.messages import Author
from hub.services import article_questions, articles
from hub.store.queries import demo
from hub.store.unit_of_work import Tx


def editors_work(tx: Tx) -> None:
    """What an editor finds in the knowledge area: topics, an article for the firm alone, one to review, questions."""
    more = json.loads((files("hub") / "seed" / "knowledge.json").read_text(encoding="utf-8"))
    for position, category in enumerate(more["categories"]):
        articles.create_category(tx, names=category["names"], position=position, category_id=category["id"])
        for article_id in category["articles"]:
            articles.place(tx, article_id, category_id=category["id"], internal=False, by=e.SYSTEM)
    internal, draft = more["internal"], more["draft"]
    texts = ("locale", "title", "html")
    # Internal before it is public within the firm, so that no moment shows it to anybody else.
    articles.bring(tx, internal["id"], **{name: internal[name] for name in texts}, by=e.SYSTEM)
    articles.place(tx, internal["id"], category_id="", internal=True, by=e.SYSTEM)
    articles.publish(tx, internal["id"], locale=internal["locale"], by=e.SYSTEM, reviewed=False)
    writer = e.Actor(Author.AGENT, demo.agent_with_email(tx.connection, "emma@demo.example"))
    articles.bring(tx, draft["id"], **{name: draft[name] for name in texts}, by=writer)
    articles.place(tx, draft["id"], category_id=draft["category"], internal=False, by=writer)
    articles.submit(tx, draft["id"], locale=draft["locale"], by=writer)
    for question in more["questions"]:
        article_questions.add(
            tx, text=question["text"], locale=question["locale"], article_id=question["article"], by=writer
        )
