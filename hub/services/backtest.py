"""Closed conversations replayed through other articles, thresholds or rules. Reads, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from hub.domain import backtest
from hub.domain import events as e
from hub.domain.backtest import Change, Past, Report, Turn
from hub.domain.bot_policy import Policy, Thresholds
from hub.domain.errors import Refused, Unavailable
from hub.domain.handling import handling
from hub.domain.knowledge import ArticleText, Passage, SearchResult
from hub.domain.messages import Author
from hub.hub import Hub
from hub.ports import KnowledgeBase
from hub.services.bot_turn import TEXT_FOR_BOT
from hub.store.queries import drafts, passages, past
from hub.store.unit_of_work import Store

MOST = 100_000
# Of the conversations behind the figures; the command line names all.
MOST_SHOWN = 200
# As published now, as editors left them, or as the log says that they were found.
ARTICLES = ("then", "published", "draft")

PORTION = 256  # messages that are searched for between two reports of progress

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """What to try. `articles` is one of `ARTICLES`; `texts` go in their place where there are any."""

    last: int
    articles: str = "then"
    thresholds: Mapping[str, float] | None = None
    policy: Policy | None = None
    texts: tuple[ArticleText, ...] = ()


def asked(last: int, articles: str, thresholds: Mapping[str, float], policy: Mapping[str, Any]) -> Asked:
    """What somebody asked for. Raises Refused."""
    if not 1 <= last <= MOST:
        raise Refused("last", f"must be from 1 to {MOST}")
    if articles not in ARTICLES:
        raise Refused("articles", f"must be one of {', '.join(ARTICLES)}")
    known = {field.name for field in fields(Thresholds)}
    for name, value in thresholds.items():
        if name not in known:
            raise Refused("threshold", f"must be one of {', '.join(sorted(known))}")
        if not 0 <= value <= 1:
            raise Refused("threshold", "must be from 0 to 1")
    rules = {field.name for field in fields(Policy)}
    if not policy.keys() <= rules:
        raise Refused("policy", f"must name only {', '.join(sorted(rules))}")
    if not 1 <= policy.get("misses", 1) <= 10:
        raise Refused("policy", "must have misses from 1 to 10")
    return Asked(last, articles, dict(thresholds), Policy(**policy) if policy else None)


def run(hub: Hub, wanted: Asked, progress: Progress = lambda _what, _done, _all: None) -> Report:
    """Replays the last closed conversations.

    Args:
        hub: its store is read, its knowledge base asked; nothing of either changes.
        wanted: what to try.
        progress: is told what is done, how many of how many.

    Raises:
        Unavailable: the models still warm up, or this installation has no knowledge base and articles are to be tried.
    """
    happened = history(hub.store, wanted.last, progress)
    index = _index(hub, wanted, progress) if hub.knowledge is not None else None
    if index is None and (wanted.articles != "then" or wanted.texts):
        raise Unavailable("this installation has no knowledge base", retry_after=3600)
    found: dict[tuple[str, str], SearchResult | None] = {}
    every = [turn for each in happened for turn in each.turns]
    rules = {each.id: (each.thresholds, each.policy) for each in hub.inboxes.every()}
    tried = [replace(each, **(wanted.thresholds or {})) for each, _ in rules.values()]
    # The log has confidences and no precisions: where these decide, what was found then does not tell.
    by_precision = any(getattr(each, "target_precision", 0) for each in tried)
    keeps = wanted.articles == "then" and not wanted.texts and not by_precision
    unknown = [turn for turn in every if not (keeps and turn.decided.knowledge_model)]
    wanted_now = list(dict.fromkeys((turn.text, turn.language) for turn in unknown))
    for start in range(0, len(wanted_now), PORTION):
        some = wanted_now[start : start + PORTION]
        found |= _search(index, some)
        progress("messages", start + len(some), len(wanted_now))

    def find(turn: Turn) -> SearchResult | None:
        then = backtest.found_then(turn.decided, turn.language) if keeps else None
        return then if then is not None else found.get((turn.text, turn.language))

    change = Change(wanted.thresholds or {}, wanted.policy)
    return backtest.replay(happened, find=find, rules=rules, change=change)


def history(store: Store, last: int, progress: Progress = lambda _what, _done, _all: None) -> list[Past]:
    """The last closed conversations in which the bot had a turn, the newest first."""
    with store.read() as connection:
        conversations = past.closed(connection, last)
    happened: list[Past] = []
    for start in range(0, len(conversations), past.CHUNK):
        some = conversations[start : start + past.CHUNK]
        # A read for each portion: one that lasts keeps the database from tidying up.
        with store.read() as connection:
            events = past.events(connection, [each[0] for each in some])
            asked_in = {each[0]: _bot_turns(events.get(each[0], [])) for each in some}
            ids = [decided.message_id for turns in asked_in.values() for decided in turns]
            texts, right = past.texts(connection, ids), past.confirmed(connection, ids)
        for conversation_id, number, language in some:
            if turns := asked_in[conversation_id]:
                log = events[conversation_id]
                happened.append(_past(conversation_id, number, language, log, turns, texts, right))
        progress("conversations", min(start + past.CHUNK, len(conversations)), len(conversations))
    return happened


def as_json(report: Report, most: int = MOST_SHOWN) -> dict[str, Any]:
    """A report as JSON values: the figures, and `changed` by what the change means, at most so many of each."""
    changed: dict[str, list[dict[str, Any]]] = {}
    counts: dict[str, int] = {}
    for each in sorted(report.changed, key=lambda one: -abs(one.after.handled - one.before.handled)):
        counts[each.what] = counts.get(each.what, 0) + 1
        if counts[each.what] <= most:
            changed.setdefault(each.what, []).append(asdict(each))
    figures = {name: asdict(figure) for name, figure in report.figures.items()}
    return {
        "conversations": report.conversations,
        "turns": report.turns,
        "figures": figures,
        "counts": counts,
        "changed": changed,
    }


def _bot_turns(events: Sequence[e.Recorded]) -> list[e.BotTurnDecided]:
    """Those until the conversation first went to a person."""
    turns: list[e.BotTurnDecided] = []
    for recorded in events:
        if isinstance(recorded.event, e.BotTurnDecided):
            turns.append(recorded.event)
        elif isinstance(recorded.event, e.HandedOver | e.Assigned):
            break
    return turns


def _past(
    conversation_id: str,
    number: int,
    language: str,
    events: Sequence[e.Recorded],
    turns: Iterable[e.BotTurnDecided],
    texts: Mapping[str, str],
    right: Mapping[str, str],
) -> Past:
    received = {each.event.message_id: each.event for each in events if isinstance(each.event, e.MessageReceived)}
    handed = next((each.event.reason for each in events if isinstance(each.event, e.HandedOver)), "")
    seen = [
        Turn(
            texts.get(decided.message_id, "")[:TEXT_FOR_BOT],
            language,
            received[decided.message_id].channel,
            received[decided.message_id].inbox_id,
            decided,
            right.get(decided.message_id, ""),
        )
        for decided in turns
        if decided.message_id in received
    ]
    by_agent = any(each.actor.kind is Author.AGENT and isinstance(each.event, e.MessageQueued) for each in events)
    # Whoever took a conversation from the bot and wrote in it answered what it could not.
    reason = handed or ("taken" if by_agent else "")
    return Past(conversation_id, number, tuple(seen), reason, False, handling(events))


def _search(
    index: KnowledgeBase | None, asked: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], SearchResult | None]:
    """What is found for each (text, language); nothing for one without words."""
    if index is None:
        return {}
    spoken = [(text, language or index.detect_language(text)) for text, language in asked]
    results = index.search_all(spoken)
    return {each: result if each[0].strip() else None for each, result in zip(asked, results, strict=True)}


def _index(hub: Hub, wanted: Asked, progress: Progress) -> KnowledgeBase:
    """A scratch index of the articles that are tried; what customers are answered from stays as it is."""
    knowledge = hub.knowledge
    if knowledge is None:
        raise Unavailable("this installation has no knowledge base", retry_after=3600)
    index = knowledge.scratch()
    if wanted.texts:
        index.load(_encoded(index, wanted.texts, progress))
        return index
    with hub.store.read() as connection:
        by_article: dict[tuple[str, str], list[Passage]] = {}
        for passage in passages.every(connection, knowledge.model_id):
            by_article.setdefault((passage.article_id, passage.locale), []).append(passage)
        # Of what only the firm reads no customer would ever be told.
        readable = passages.readable(connection, by_article.keys())
        # What is public and was never read by these models, or was changed since.
        stale = passages.out_of_step(connection, knowledge.model_id)
        missing = [text for article_id in stale for text in passages.published(connection, article_id)]
        written = drafts.unpublished(connection) if wanted.articles == "draft" else []
    by_article = {key: some for key, some in by_article.items() if key in readable}
    texts = {(text.article_id, text.locale): text for text in (*missing, *written)}
    for key in texts:
        by_article.pop(key, None)
    fresh = _encoded(index, list(texts.values()), progress)
    index.load([*(passage for some in by_article.values() for passage in some), *fresh])
    return index


def _encoded(index: KnowledgeBase, texts: Sequence[ArticleText], progress: Progress) -> list[Passage]:
    found: list[Passage] = []
    for done, text in enumerate(texts, start=1):
        found.extend(index.passages(text))
        progress("articles", done, len(texts))
    return found


def task(hub: Hub, given: Mapping[str, Any]) -> dict[str, Any]:
    """A backtest that an editor asked for: what `asked` takes, and the report as JSON values."""
    wanted = asked(given["last"], given["articles"], given["thresholds"], given["policy"])
    return as_json(run(hub, wanted))


def as_text(report: Report) -> list[str]:
    """A report as lines for people: figures, then the conversations behind them."""
    lines = [f"{report.conversations} conversations, {report.turns} messages", ""]
    lines.append(f"{'':12} {'then':>22} {'replayed':>24} {'difference (95 %)':>28}")
    for name, figure in report.figures.items():
        factor, unit = (1.0, "min") if name == "minutes" else (100.0, "%")
        shown = [
            f"{each.value * factor:.1f} {unit} [{each.low * factor:.1f}, {each.high * factor:.1f}]"
            for each in (figure.before, figure.after, figure.difference)
        ]
        lines.append(f"{name.replace('_', ' '):12} {shown[0]:>22} {shown[1]:>24} {shown[2]:>28}")
    lines.append("")
    methods = dict.fromkeys(each.difference.method for each in report.figures.values())
    lines.extend(f"Differences: {method}." for method in methods)
    lines.append("Minutes are of agents, per conversation; wrong is the expected share of conversations.")
    shown_report = as_json(report)
    for what, rows in shown_report["changed"].items():
        lines.extend(["", f"{what.replace('_', ' ')}: {shown_report['counts'][what]}"])
        lines.extend(
            f"  #{row['ticket_number']} {row['conversation_id']}: {row['question'][:70]!r} "
            f"{row['before']['said'] or 'nothing'} -> {row['after']['said'] or 'nothing'}"
            for row in rows[:20]
        )
    return lines
