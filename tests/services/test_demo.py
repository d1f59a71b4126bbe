"""The demo firm: there once, whole, however often and by however many it is asked for."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from channels.simulators.mail_people import FIRM_ADDRESS, somebody
from channels.simulators.mail_people import PEOPLE as MAIL_PEOPLE
from channels.simulators.phones import FIRM_NUMBERS
from hub.app import build, open_store
from hub.clock import SystemClock
from hub.domain.conversation import PRIORITIES, Status
from hub.domain.gaps import WINDOW
from hub.domain.inbox import Inbox
from hub.domain.permissions import ROLES
from hub.services import demo, demo_questions, gaps, handoff
from hub.settings import Settings, from_environment
from hub.store import replay
from hub.store import tables as t
from hub.store.queries import demo as demo_queries
from hub.store.queries import inboxes, people, vendors
from hub.store.secret_box import SecretBox
from hub.store.unit_of_work import CONVERSATION_COLUMNS, Store, conversation_from

HERE = "http://127.0.0.1:8000"


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return from_environment(
        {
            "CENTRALITA_DATABASE_URL": database_url,
            "CENTRALITA_REDIS_URL": "redis://127.0.0.1:1/0",
            "CENTRALITA_DATA": str(tmp_path / "data"),
        }
    )


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """A migrated and empty database."""
    opened = open_store(settings, SystemClock(), lambda _nudges, _events: None)
    yield opened
    opened.close()


def rows(store: Store, table: object) -> list[object]:
    with store.read() as connection:
        return list(connection.execute(table.select()).all())  # type: ignore[attr-defined]  # any table


def everything(store: Store) -> dict[str, int]:
    return {table.name: len(rows(store, table)) for table in t.metadata.sorted_tables}


def test_it_is_seeded_once(store: Store) -> None:
    assert demo.seed(store, HERE) is True
    there = everything(store)
    assert demo.seed(store, HERE) is False
    assert everything(store) == there


def test_processes_that_seed_at_once_seed_one_firm(settings: Settings, store: Store) -> None:
    """As several hosts that start together do; on SQLite only one process writes, from many threads."""
    stores = [store] * 4
    if store.postgres:
        stores = [open_store(settings, SystemClock(), lambda _nudges, _events: None) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = [each.result(60) for each in [pool.submit(demo.seed, one, HERE) for one in stores]]
    assert sorted(done) == [False, False, False, True]
    assert len(rows(store, t.agent)) == len(demo.PEOPLE)
    assert len(rows(store, t.inbox)) == 1
    assert len(rows(store, t.conversation)) == len(demo.WAITING) + 1 + len(demo_questions.asked())
    for other in {id(one): one for one in stores if one is not store}.values():
        other.close()


def test_a_seed_that_comes_between_another_ones_look_and_writing_waits_for_it(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not store.postgres:
        pytest.skip("SQLite has one writer: nothing comes between")
    other = open_store(settings, SystemClock(), lambda _nudges, _events: None)
    has_agents, looks = demo_queries.has_agents, []
    with ThreadPoolExecutor(1) as pool:

        def looks_and_is_overtaken(connection: Connection) -> bool:
            found = has_agents(connection)
            if threading.current_thread() is threading.main_thread():
                looks.append(found)
                if len(looks) == 2:  # the first look is outside of the transaction
                    overtaking.append(pool.submit(demo.seed, other, HERE))
                    while not overtaking[0].done() and not waits_for_a_lock(store):
                        threading.Event().wait(0.005)
            return found

        overtaking: list[Future[bool]] = []
        monkeypatch.setattr(demo_queries, "has_agents", looks_and_is_overtaken)
        assert demo.seed(store, HERE) is True
        assert overtaking[0].result(60) is False
    other.close()


def waits_for_a_lock(store: Store) -> bool:
    statement = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with store.read() as connection:
        return bool(connection.exec_driver_sql(statement).scalar_one())


def test_a_seed_that_was_cut_off_leaves_nothing_and_can_be_done_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    empty = everything(store)
    with monkeypatch.context() as patched:
        patched.setattr(handoff, "hand_over", dies)
        with pytest.raises(KeyboardInterrupt):
            demo.seed(store, HERE)
    assert everything(store) == empty
    assert demo.seed(store, HERE) is True
    assert len(rows(store, t.conversation)) == len(demo.WAITING) + 1 + len(demo_questions.asked())


def test_somebody_elses_database_is_left_alone(store: Store) -> None:
    store.write(lambda tx: tx.add(t.agent, {"id": "a", "name": "A", "email": "a@x", "role": "agent", "language": "en"}))
    assert demo.seed(store, HERE) is False
    assert rows(store, t.inbox) == []


def test_every_article_is_public_in_both_languages(store: Store) -> None:
    demo.seed(store, HERE)
    lines = (files("hub") / "seed" / "articles.jsonl").read_text(encoding="utf-8").splitlines()
    with store.read() as connection:
        found = connection.execute(t.article.select()).all()
    # What editors keep to themselves, or have still to read, is not for customers.
    found = [row for row in found if row.article_id not in ("goodwill", "gift_wrapping")]
    assert len(found) == len(lines) > 40
    assert {row.state for row in found} == {"published"}
    assert {row.version for row in found} == {1}
    locales: dict[str, set[str]] = {}
    for row in found:
        locales.setdefault(row.article_id, set()).add(row.locale)
    assert all(each == {"en", "es"} for each in locales.values())


def test_there_is_somebody_for_every_screen_and_work_in_both_languages(store: Store) -> None:
    demo.seed(store, HERE)
    with store.read() as connection:
        staff = people.agents(connection)
        held = [conversation_from(row) for row in connection.execute(select(*CONVERSATION_COLUMNS))]
        waiting = people.counters(connection, ["waiting"])["waiting"]
        assert replay.check(connection).differences == []
    assert {agent.role for agent in staff} <= set(ROLES)
    assert {agent.language for agent in staff} == {"en", "es"}
    assert Counter(each.status for each in held) == {
        Status.WAITING: 3,
        Status.RESOLVED: 1 + len(demo_questions.asked()),
    }
    assert waiting == 3
    assert {each.language for each in held if each.status == Status.WAITING} == {"en", "es"}
    assert len({each.priority for each in held if each.status == Status.WAITING}) == 3
    assert all(0 < each.priority < len(PRIORITIES) for each in held if each.status == Status.WAITING)
    for each in held:
        with store.read() as connection:
            packet = handoff.packet(connection, each)
        assert packet is not None
        assert packet.open_question is not None


def test_editors_find_gaps_and_lessons_of_the_weeks_before(store: Store, settings: Settings) -> None:
    demo.seed(store, HERE)
    questions = gaps.unanswered(store, SystemClock().now() - WINDOW)
    asked = demo_questions.asked()
    assert {each.text for each in questions} >= {each["text"] for each in asked}
    assert {each.language for each in questions} == {"en", "es"}
    spent = {each.text: each.handled // 60_000_000 for each in questions}
    assert all(spent[each["text"]] == each["minutes"] for each in asked)
    lessons = rows(store, t.lesson)
    assert {each.state for each in lessons} == {"proposed"}  # type: ignore[attr-defined]  # a row
    assert {each.locale for each in lessons} == {"en", "es"}  # type: ignore[attr-defined]  # a row
    assert [each.kind for each in rows(store, t.task)] == ["gaps"]  # type: ignore[attr-defined]  # a row


def test_the_chat_may_be_embedded_by_the_hubs_own_shop(store: Store) -> None:
    demo.seed(store, HERE)
    (inbox,) = rows(store, t.inbox)
    settings = json.loads(inbox.settings)  # type: ignore[attr-defined]
    assert settings["origins"] == [HERE]
    assert set(settings["languages"]) == set(settings["greeting"]) == set(settings["quick_replies"]) == {"en", "es"}


# --- the phones ---


def connect(store: Store, settings: Settings, url: str = "http://127.0.0.1:8001", token: str = "a token") -> bool:  # noqa: S107
    return demo.connect_phones(
        store, SecretBox(settings.secret_key), api_url=url, account_sid="AC" + "0" * 32, auth_token=token
    )


def phones(store: Store) -> Inbox:
    with store.read() as connection:
        return inboxes.by_key(connection, demo.SMS_KEY)


def test_the_phones_have_an_inbox_also_in_a_firm_seeded_before(store: Store, settings: Settings) -> None:
    demo.seed(store, HERE)
    assert connect(store, settings) is True
    inbox = phones(store)
    assert (inbox.channel, inbox.settings["api_url"]) == ("sms", "http://127.0.0.1:8001")
    assert inbox.settings["numbers"] == list(demo.SMS_NUMBERS) == list(FIRM_NUMBERS)
    assert json.loads(SecretBox(settings.secret_key).open(inbox.sealed_secrets)) == {"auth_token": "a token"}
    assert "a token" not in json.dumps(dict(inbox.settings))
    assert connect(store, settings) is False
    assert phones(store) == inbox


def test_the_phones_follow_a_simulator_that_moved(store: Store, settings: Settings) -> None:
    demo.seed(store, HERE)
    connect(store, settings)
    before = phones(store)
    ruled = {**before.settings, "rules": {"bot": False}}
    store.write(lambda tx: tx.change(t.inbox, {"id": before.id}, {"settings": json.dumps(ruled)}))
    assert connect(store, settings, url="http://127.0.0.1:9001") is True
    assert connect(store, settings, url="http://127.0.0.1:9001", token="another") is True
    after = phones(store)
    assert (after.id, after.settings["api_url"], after.bot) == (before.id, "http://127.0.0.1:9001", False)
    assert json.loads(SecretBox(settings.secret_key).open(after.sealed_secrets)) == {"auth_token": "another"}
    # Secrets that nobody can open any more are replaced.
    other = SecretBox(b"another key that is long enough for it")
    connect_again = demo.connect_phones(
        store, other, api_url="http://127.0.0.1:9001", account_sid="AC" + "0" * 32, auth_token="another"
    )
    assert connect_again is True


def test_the_phones_are_the_demo_firms_alone(store: Store, settings: Settings) -> None:
    assert connect(store, settings) is False
    assert rows(store, t.inbox) == []


# --- the mailbox ---


def mailbox(store: Store) -> Inbox:
    with store.read() as connection:
        return inboxes.by_key(connection, demo.MAIL_KEY)


def test_the_firm_has_a_mailbox_that_follows_the_simulated_server(store: Store, settings: Settings) -> None:
    assert demo.connect_mail(store, "127.0.0.1", 8002) is False
    demo.seed(store, HERE)
    assert demo.connect_mail(store, "127.0.0.1", 8002) is True
    assert demo.connect_mail(store, "127.0.0.1", 8002) is False
    inbox = mailbox(store)
    assert (inbox.channel, inbox.settings["address"]) == ("email", FIRM_ADDRESS)
    with store.read() as connection:
        (workshop,) = vendors.every(connection)
    assert workshop.inbox_id == inbox.id
    assert somebody(workshop.addresses[0]) in MAIL_PEOPLE
    signed = {**inbox.settings, "signature": "their own"}
    store.write(lambda tx: tx.change(t.inbox, {"id": inbox.id}, {"settings": json.dumps(signed)}))
    assert demo.connect_mail(store, "127.0.0.1", 9002) is True
    assert mailbox(store).settings["signature"] == "their own"
    assembled = build(settings)
    try:
        channel = assembled.hub.channel_of(mailbox(store))
        assert channel.capabilities.letters
    finally:
        assembled.stop()


def test_the_phones_settings_are_those_that_the_channel_takes(store: Store, settings: Settings) -> None:
    demo.seed(store, HERE)
    connect(store, settings)
    assembled = build(settings)
    try:
        assert assembled.hub.channel_of(phones(store)).capabilities.channel == "sms"
    finally:
        assembled.stop()
