"""The command line: `centralita` or `python -m hub`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from bot import evaluation
from bot.server import PROJECT, BotServerError, find_environment
from hub import app, processes
from hub.clock import SystemClock
from hub.domain import staffing
from hub.domain.cases import read_base
from hub.domain.errors import Refused
from hub.domain.events import SYSTEM
from hub.domain.inbox import Inbox
from hub.services import (
    article_exchange,
    article_files,
    article_formats,
    backtest,
    demo,
    inboxes,
    reconciliation,
    rehearsal,
)
from hub.settings import Settings, from_environment
from hub.simulation import command as simulation
from hub.simulation.hub_api import Login
from hub.store import replay
from hub.store.migrate import migrate_url
from hub.store.secret_box import SecretBox
from hub.web.flask_app import openapi as describe
from kb import evaluate, evaluate_cases
from kb.search import KnowledgeSettings, LocalKnowledgeBase


def run(arguments: Sequence[str]) -> int:
    """Runs one command. Returns the process's exit code; raises HubError."""
    options = _parser().parse_args(arguments)
    command: Callable[[Settings, argparse.Namespace], int] = options.run
    return command(from_environment(os.environ), options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="centralita", description="A conversation hub.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[Settings, argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    add("serve", _serve, "Answer HTTP and web sockets; embedded, run everything else too.")
    worker = add("worker", _worker, "Run what follows from events (PostgreSQL and Redis only).")
    worker.add_argument("--fast-only", action="store_true", help="leave slow work (indexing) to other workers")
    add("migrate", _migrate, "Bring the database to the newest schema.")
    seed = add("seed", _seed, "Put the demo firm into an empty database.")
    seed.add_argument("--print-logins", action="store_true", help="only print the demo's logins")
    check = add("replay", _replay, "Compare what is shown with what the log says.")
    check.add_argument("--check", action="store_true", help="compare (the only thing it does so far)")
    check.add_argument("--conversation", default="", metavar="ID", help="only this conversation")
    check.add_argument("--since", default="", metavar="TIME", help="only what changed since (RFC 3339)")
    simulation.add_arguments(
        add(
            "simulate", _simulate, "Play many customers of the demo firm against a hub that runs, and compare the ends."
        )
    )
    connect = add("connect", _connect, "Connect an inbox; its secrets, a JSON object, come by standard input.")
    connect.add_argument("channel", help="as its package has registered it")
    connect.add_argument("--name", default="", help="as agents see it (default: the channel's)")
    connect.add_argument("--team", required=True, help="the name of the team that answers")
    connect.add_argument("--settings", default="{}", metavar="JSON", help="the channel's own settings, a JSON object")
    articles = add("articles", _articles, "Bring articles in from a file or folder, or give them out.")
    articles.add_argument("action", choices=["import", "export"])
    articles.add_argument("path", help="a file; for Markdown a folder", type=Path)
    articles.add_argument("--format", choices=article_formats.FORMATS, required=True)
    articles.add_argument("--publish", action="store_true", help="import: make public what was public there")
    mailbox = add("mailbox", _mailbox, "Compare a mailbox with what is stored; exit code 1 where they differ.")
    mailbox.add_argument("action", choices=["check"])
    mailbox.add_argument("inbox", metavar="INBOX", help="the inbox's key")
    evaluations = add(
        "evaluate", _evaluate_search, "Measure on your own data what customers would get."
    ).add_subparsers(required=True, metavar="WHAT")
    text = "Search: recall, confidence and speed on articles and messages (docs/quality.md)."
    search = evaluations.add_parser("search", help=text, description=text)
    search.add_argument("articles", type=Path, metavar="ARTICLES.jsonl")
    search.add_argument("queries", type=Path, metavar="QUERIES.jsonl")
    search.add_argument("--aliases", type=Path, metavar="FILE", help="learnt phrasings, in rows like those of QUERIES")
    search.add_argument("--json", action="store_true", help="the figures as one JSON object")
    search.set_defaults(run=_evaluate_search)
    text = "Intents: what the bot understands, and what it leaves alone, once it is trained on your data."
    intents = evaluations.add_parser("intents", help=text, description=text)
    intents.add_argument("train", type=Path, metavar="TRAIN.jsonl")
    intents.add_argument("test", type=Path, metavar="TEST.jsonl")
    intents.add_argument("--json", action="store_true", help="the figures as one JSON object")
    intents.set_defaults(run=_evaluate_intents)
    trial = add("backtest", _backtest, "Replay closed conversations through other articles, thresholds or rules.")
    trial.add_argument("--last", type=int, required=True, metavar="N", help="so many conversations, the newest first")
    trial.add_argument(
        "--kb",
        default="then",
        metavar="DRAFT",
        help="what articles are found in: `draft` (as editors left them), `published` (now), a file of articles as "
        "`evaluate search` takes it; without it what the log says was found then",
    )
    trial.add_argument(
        "--threshold", action="append", default=[], metavar="NAME=VALUE", help="knowledge, intent, mail, mail_intent"
    )
    trial.add_argument(
        "--policy", action="append", default=[], metavar="NAME=VALUE", help="misses=1…10, articles_first=yes|no"
    )
    trial.add_argument("--json", action="store_true", help="all of it as one JSON object")
    text = "Guided troubleshooting: questions and success against a decision tree, on held-out cases (docs/cases.md)."
    solved = evaluations.add_parser("cases", help=text, description=text)
    solved.add_argument("file", type=Path, nargs="?", metavar="CASES.json", help="case bases (default: the demo's)")
    solved.add_argument("--json", action="store_true", help="the figures as one JSON object")
    solved.set_defaults(run=_evaluate_cases)
    text = "Try changed rules, skills or capacities out: on the last conversations, and on a day to come."
    rehearse = add("rehearse", _rehearse, text)
    rehearse.add_argument("--change", type=Path, metavar="FILE.json", help="what is tried out (docs/routing.md)")
    rehearse.add_argument("--last", type=int, default=200, metavar="N", help="how many conversations (default 200)")
    rehearse.add_argument("--day", default="", metavar="DATE", help="what this day is likely to bring, instead")
    rehearse.add_argument("--zone", default="UTC", help="on whose clock it is that date (default UTC)")
    rehearse.add_argument("--target", type=float, default=60, metavar="SECONDS", help="answered in time (default 60)")
    rehearse.add_argument("--runs", type=int, default=10, help="how many such days are played (default 10)")
    staff = add("staffing", _staffing, "How many people a queue needs, by Erlang A.")
    staff.add_argument("customers", type=float, help="who come in a stretch of time")
    staff.add_argument("handling", type=float, metavar="SECONDS", help="that each takes, wrap-up included")
    staff.add_argument("--minutes", type=float, default=30, help="the stretch of time (default 30)")
    staff.add_argument("--patience", type=float, default=120, metavar="SECONDS", help="mean, until one gives up (120)")
    staff.add_argument("--target", type=float, default=20, metavar="SECONDS", help="to be answered in (default 20)")
    staff.add_argument("--share", type=float, default=0.8, help="of all to be answered in time (default 0.8)")
    staff.add_argument("--most-abandoned", type=float, default=1.0, metavar="SHARE", help="that may give up")
    staff.add_argument("--most-occupancy", type=float, default=1.0, metavar="SHARE", help="of the time to be busy")
    add("openapi", _openapi, "Print the API's OpenAPI document.")
    add("health", _health, "Ask the running hub how it is; exit code 1 when it does not answer.")
    return parser


def _serve(settings: Settings, _: argparse.Namespace) -> int:
    processes.serve(settings)
    return 0


def _worker(settings: Settings, options: argparse.Namespace) -> int:
    processes.work(settings, slow=not options.fast_only)
    return 0


def _migrate(settings: Settings, _: argparse.Namespace) -> int:
    settings.data.mkdir(parents=True, exist_ok=True)
    migrate_url(settings.database_url)
    return 0


def _seed(settings: Settings, options: argparse.Namespace) -> int:
    if not options.print_logins:
        store = app.open_store(settings, SystemClock(), lambda _nudges, _events: None)
        try:
            done = demo.seed(store, settings.public_url)
            if settings.simulator_url:
                demo.connect_phones(
                    store,
                    SecretBox(settings.secret_key),
                    api_url=settings.simulator_url,
                    account_sid=settings.simulator_account,
                    auth_token=settings.simulator_token,
                )
                demo.connect_apps(
                    store,
                    SecretBox(settings.secret_key),
                    api_url=settings.simulator_url,
                    token=settings.simulator_token,
                )
            if settings.simulator_smtp:
                demo.connect_mail(store, *settings.simulator_smtp)
        finally:
            store.close()
        print("The demo firm is there." if done else "The database has agents already: nothing to seed.")
    else:
        for name, email, role, *_ in demo.PEOPLE:
            print(f"  {email:22} password {demo.PASSWORD}   {name}, {role}")
    return 0


def _replay(settings: Settings, options: argparse.Namespace) -> int:
    since = 0
    if options.since:
        try:
            moment = datetime.fromisoformat(options.since)
        except ValueError as error:
            raise Refused("--since", "must be a time such as 2026-11-21T09:00:00Z") from error
        since = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000_000)
    store = app.open_store(settings, SystemClock(), lambda _nudges, _events: None)
    try:
        with store.read() as connection:
            report = replay.check(connection, conversation_id=options.conversation, since=since)
    finally:
        store.close()
    for difference in report.differences:
        print(difference)
    rate = report.events / report.seconds if report.seconds else 0.0
    print(
        f"{report.events} events, {report.rows} rows, {report.different} differences "
        f"in {report.seconds:.1f} s ({rate:,.0f} events/s)"
    )
    return 1 if report.different else 0


def _simulate(settings: Settings, options: argparse.Namespace) -> int:
    logins = {
        role: [Login(email, demo.PASSWORD) for _, email, its_role, *_ in demo.PEOPLE if its_role == role]
        for role in ("agent", "administrator")
    }
    return simulation.run(
        options,
        hub_url=settings.public_url,
        # Where `make run` puts it, in another terminal.
        simulator_url=settings.simulator_url or f"http://127.0.0.1:{settings.port + 1}",
        inbox_key=demo.INBOX_KEY,
        watcher=logins["administrator"][0],
        agents=logins["agent"],
    )


def _connect(settings: Settings, options: argparse.Namespace) -> int:
    own = _json_object(options.settings, "--settings")
    secrets = _json_object("{}" if sys.stdin.isatty() else sys.stdin.read() or "{}", "secrets")
    name = options.name or options.channel
    assembled = app.build(settings)
    hub = assembled.hub
    try:
        sealed = hub.box.seal(json.dumps(secrets))
        hub.channel_of(Inbox("", "", name, options.channel, "", settings=own, sealed_secrets=sealed))
        key = hub.store.write(
            lambda tx: inboxes.connect(
                tx, hub.box, channel=options.channel, name=name, team=options.team, settings=own, secrets=secrets
            )
        )
    except KeyError as error:
        raise Refused("secrets and settings", f"must hold {error}") from error
    finally:
        assembled.stop()
    print(f"{name} is connected. Its provider calls {settings.public_url}/webhooks/{key}")
    return 0


def _json_object(text: str, field: str) -> dict[str, Any]:
    try:
        read = json.loads(text)
    except ValueError as error:
        raise Refused(field, "must be JSON") from error
    if not isinstance(read, dict):
        raise Refused(field, "must be a JSON object")
    return read


def _articles(settings: Settings, options: argparse.Namespace) -> int:
    store = app.open_store(settings, SystemClock(), lambda _nudges, _events: None)
    try:
        if options.action == "export":
            with store.read() as connection:
                count = article_files.save(options.format, options.path, article_exchange.give_out(connection))
            print(f"{count} articles are in {options.path}")
            return 0
        found = article_files.load(options.format, options.path)
        report = article_exchange.bring_in(store, found, by=SYSTEM, publish=options.publish)
    finally:
        store.close()
    for each in report.refused:
        print(f"refused  {each.where}: {each.rule}")
    print(
        f"{report.created} new, {report.changed} changed, {report.unchanged} as they were, "
        f"{len(report.refused)} refused; {report.categories} new categories"
    )
    return 1 if report.refused else 0


def _mailbox(settings: Settings, options: argparse.Namespace) -> int:
    assembled = app.build(settings)
    try:
        found = reconciliation.compare(assembled.hub, assembled.hub.inboxes.by_key(options.inbox))
    finally:
        assembled.stop()
    for lying in found.missing:
        print(f"missing  {lying.arrived:%Y-%m-%d %H:%M} {lying.size} bytes from {lying.sender}: {lying.subject}")
        print(f"         {lying.origin}")
    for source in found.refused:
        print(f"refused  {source.field}: {source.rule} ({source.origin}, source {source.id})")
    for source in found.emptied:
        print(f"emptied  source {source.id} is stored, its message {source.message_id} is gone ({source.origin})")
    states = ", ".join(f"{count} {state}" for state, count in sorted(found.states.items())) or "none"
    print(
        f"{found.read} mails in the mailbox were read, {len(found.missing)} of them missing; "
        f"{found.waiting} wait to be read, {found.before} are from before. Ever fetched: {states}."
    )
    return 0 if found.is_equal else 1


def _evaluate_cases(settings: Settings, options: argparse.Namespace) -> int:
    file = options.file or Path(str(files("hub") / "seed" / "cases.json"))
    try:
        documents = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(str(file), f"must be a JSON array of case bases: {error}") from error
    if not isinstance(documents, list):
        raise Refused(str(file), "must be a JSON array of case bases")
    print("loading the models", file=sys.stderr)
    knowledge = LocalKnowledgeBase(KnowledgeSettings(model=settings.knowledge_model))
    knowledge.warm()
    imprint = cache(lambda text: knowledge.imprint([text])[0])

    def likeness(told: str, others: Sequence[str]) -> list[float]:
        return [max(0.0, each) for each in knowledge.likeness(imprint(told), [imprint(other) for other in others])]

    figures = evaluate_cases.measure([read_base(json.dumps(each)) for each in documents], likeness, _progress)
    print(json.dumps(figures) if options.json else "\n".join(evaluate_cases.as_text(figures)))
    return 0


def _backtest(settings: Settings, options: argparse.Namespace) -> int:
    thresholds = {name: _number(value, "--threshold") for name, value in _pairs(options.threshold, "--threshold")}
    policy = {
        name: value == "yes" if value in ("yes", "no") else int(_number(value, "--policy"))
        for name, value in _pairs(options.policy, "--policy")
    }
    from_file = options.kb not in backtest.ARTICLES
    wanted = backtest.asked(options.last, "published" if from_file else options.kb, thresholds, policy)
    if from_file:
        wanted = replace(wanted, texts=evaluate.read_articles(Path(options.kb)))
    assembled = app.build(settings)
    try:
        if assembled.hub.knowledge is not None:
            print("loading the models", file=sys.stderr)
            assembled.hub.knowledge.warm()
        report = backtest.run(assembled.hub, wanted, _progress)
    finally:
        assembled.stop()
    if options.json:
        print(json.dumps(backtest.as_json(report, most=len(report.changed)), ensure_ascii=False))
    else:
        print("\n".join(backtest.as_text(report)))
    return 0


def _pairs(given: Sequence[str], field: str) -> list[tuple[str, str]]:
    pairs = [each.partition("=") for word in given for each in word.split(",")]
    if any(not equals for _, equals, _ in pairs):
        raise Refused(field, "must be NAME=VALUE")
    return [(name, value) for name, _, value in pairs]


def _number(text: str, field: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise Refused(field, "must have a number as its value") from error


def _evaluate_search(settings: Settings, options: argparse.Namespace) -> int:
    articles = evaluate.read_articles(options.articles)
    queries = evaluate.read_queries(options.queries, articles)
    if options.aliases:
        articles = evaluate.with_phrasings(articles, evaluate.read_queries(options.aliases, articles))
    print("loading the models", file=sys.stderr)
    knowledge = LocalKnowledgeBase(KnowledgeSettings(model=settings.knowledge_model))
    knowledge.warm()
    figures = evaluate.measure(knowledge, articles, queries, _progress)
    print(json.dumps(figures, indent=None if options.json else 2))
    return 0


def _evaluate_intents(_: Settings, options: argparse.Namespace) -> int:
    train = evaluation.read_examples(options.train)
    test = evaluation.read_examples(options.test)
    python = find_environment(PROJECT.parents[1])
    if python is None:
        raise Refused("the bot's environment", "must be there: `make run` makes it, or CENTRALITA_RASA_ENV names it")
    try:
        figures = evaluation.measure(python, train, test, _progress)
    except BotServerError as error:
        print(f"centralita: {error}", file=sys.stderr)
        return 1
    print(json.dumps(figures, indent=None if options.json else 2))
    return 0


def _progress(what: str, done: int, count: int) -> None:
    """One line that is written over; on a file only the end."""
    if done == count:
        print(f"\r{what}: {done} of {count}", file=sys.stderr)
    elif sys.stderr.isatty() and done % 10 == 0:
        print(f"\r{what}: {done} of {count}", end="", file=sys.stderr, flush=True)


def _rehearse(settings: Settings, options: argparse.Namespace) -> int:
    changed = rehearsal.read_change(options.change.read_text()) if options.change else rehearsal.NOTHING
    target = round(options.target * 1_000_000)
    store = app.open_store(settings, SystemClock(), lambda _nudges, _events: None)
    try:
        with store.read() as connection:
            if options.day:
                day = _date(options.day)
                clock = SystemClock().now()
                played = rehearsal.forecast(
                    connection, changed, day=day, zone=options.zone, target=target, runs=options.runs, now=clock
                )
                print(f"{day}: {played.arrivals:.0f} conversations expected, from {played.days} days like it")
                figures = {"as now": played.as_now, "changed": played.changed}
            else:
                found = rehearsal.dry_run(connection, changed, last=options.last, target=target)
                print(f"{found.differ} of {found.changed.conversations} conversations would go to somebody else")
                figures = {"happened": found.happened, "as now": found.as_now, "changed": found.changed}
    finally:
        store.close()
    print(f"{'':10}{'answered':>10}{'in time':>10}{'gave up':>10}{'mean wait':>12}{'longest':>10}")
    for name, each in figures.items():
        shares = f"{each.answered:>10}{each.service_level:>10.1%}{each.gave_up:>10}"
        print(f"{name:10}{shares}{each.mean_wait:>11.1f}s{each.longest_wait:>9.0f}s")
    return 0


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused("--day", "must be a date as 2026-12-25") from error


def _staffing(_: Settings, options: argparse.Namespace) -> int:
    found = staffing.plan(
        options.customers / (options.minutes * 60),
        options.handling,
        options.patience,
        options.target,
        options.share,
        most_abandoned=options.most_abandoned,
        most_occupancy=options.most_occupancy,
    )
    without = "none" if found.without_patience is None else found.without_patience
    print(f"{found.erlangs:.2f} erlangs: {found.needed} agents (Erlang C, where nobody gives up: {without})")
    print(f"{'agents':>8}{'in time':>10}{'give up':>10}{'mean wait':>12}{'busy':>8}")
    for agents, each in found.around:
        print(
            f"{agents:>8}{each.service_level:>10.1%}{each.abandoned:>10.1%}{each.mean_wait:>11.1f}s{each.occupancy:>8.1%}"
        )
    return 0


def _openapi(settings: Settings, _: argparse.Namespace) -> int:
    print(json.dumps(describe(app.build(settings).hub), indent=2, ensure_ascii=False))
    return 0


def _health(settings: Settings, _: argparse.Namespace) -> int:
    try:
        with urllib.request.urlopen(f"{settings.public_url}/health", timeout=5) as answer:  # noqa: S310  # our own
            print(answer.read().decode())
    except urllib.error.URLError as error:
        print(f"the hub does not answer: {error}", file=sys.stderr)
        return 1
    return 0
