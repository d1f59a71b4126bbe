"""Signing in: what is said and what is not, what is kept and what is not, and how long it lasts."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from argon2 import PasswordHasher

from hub.domain.errors import NotSignedIn, Refused, TooMany
from hub.services import people, presence, sign_in
from hub.services.sign_in import IDLE, LIFETIME, MINUTE, TRIES, WINDOW, SignedIn
from hub.store import tables as t
from hub.store.queries import people as queries
from hub.store.queries.people import Session
from tests.fixtures_hub import TEAM, World

PASSWORD = "correct horse battery"
EMAIL = "carla@example.org"
HERE = "192.0.2.1"


@pytest.fixture(scope="module")
def password_hash() -> str:
    return sign_in.hash_password(PASSWORD)


@pytest.fixture
def carla(world: World, password_hash: str) -> str:
    return world.store.write(
        lambda tx: people.create_agent(
            tx,
            name="Carla",
            email="Carla@Example.org",
            role="agent",
            language="es",
            password_hash=password_hash,
            team_ids=(TEAM, TEAM),
        )
    )


@pytest.fixture
def enter(world: World, carla: str) -> Callable[..., SignedIn]:
    def sign(password: str = PASSWORD, email: str = EMAIL, address: str = HERE) -> SignedIn:
        return sign_in.sign_in(world.store, email, password, address)

    return sign


def session_of(world: World, token: str) -> Session | None:
    with world.store.read() as connection:
        return sign_in.current(connection, token, world.clock.now())


def test_the_right_password_begins_a_session(world: World, carla: str, enter: Callable[..., SignedIn]) -> None:
    signed_in = enter(email="  CARLA@example.org ")
    session = session_of(world, signed_in.token)
    assert session is not None
    assert (session.agent_id, session.role, session.language) == (carla, "agent", "es")
    assert session.csrf_token == signed_in.csrf_token
    with world.store.read() as connection:
        assert queries.agent(connection, carla).team_ids == (TEAM,)


def test_the_database_holds_neither_password_nor_token(world: World, enter: Callable[..., SignedIn]) -> None:
    signed_in = enter()
    with world.store.read() as connection:
        (session_id,) = connection.execute(t.sign_in_session.select()).one()[:1]
        hashes = connection.execute(t.agent.select().where(t.agent.c.email == EMAIL)).one()
        attempts = connection.execute(t.sign_in_attempt.select()).all()
    assert session_id != signed_in.token
    assert session_of(world, session_id) is None
    assert hashes.password_hash.startswith("$argon2id$")
    assert attempts == []


def test_nobody_and_a_wrong_password_are_told_the_same(enter: Callable[..., SignedIn]) -> None:
    with pytest.raises(NotSignedIn) as wrong:
        enter(password="something else")
    with pytest.raises(NotSignedIn) as unknown:
        enter(email="nobody@example.org")
    assert str(wrong.value) == str(unknown.value)


def test_somebody_unknown_costs_a_check_like_everybody_else(
    enter: Callable[..., SignedIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    real = sign_in._matches

    def watch(password_hash: str, password: str) -> bool:
        checked.append(password_hash)
        return real(password_hash, password)

    monkeypatch.setattr(sign_in, "_matches", watch)
    with pytest.raises(NotSignedIn):
        enter(email="nobody@example.org")
    (password_hash,) = checked
    assert not sign_in._HASHER.check_needs_rehash(password_hash)


def test_an_old_hash_is_made_anew(world: World, carla: str, enter: Callable[..., SignedIn]) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    world.store.write(lambda tx: tx.change(t.agent, {"id": carla}, {"password_hash": weak}))
    enter()
    with world.store.read() as connection:
        found = queries.credentials(connection, EMAIL)
    assert found is not None
    assert not sign_in._HASHER.check_needs_rehash(found.password_hash)
    assert enter().agent_id == carla


def test_an_agent_without_a_password_cannot_sign_in(world: World, carla: str, enter: Callable[..., SignedIn]) -> None:
    world.store.write(lambda tx: tx.change(t.agent, {"id": carla}, {"password_hash": ""}))
    with pytest.raises(NotSignedIn):
        enter(password="anything at all")


def test_short_passwords_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        sign_in.hash_password("short")
    assert refused.value.field == "password"


def test_too_many_failures_close_the_door_for_a_while(world: World, enter: Callable[..., SignedIn]) -> None:
    for _ in range(TRIES):
        with pytest.raises(NotSignedIn):
            enter(password="a wrong guess")
    with pytest.raises(TooMany) as too_many:
        enter()
    assert 0 < too_many.value.retry_after <= WINDOW // 1_000_000 + 1
    assert enter(address="192.0.2.2").agent_id
    world.clock.pass_time(WINDOW)
    assert enter().agent_id


def test_success_forgets_the_failures_before(enter: Callable[..., SignedIn]) -> None:
    for _ in range(3):
        for _ in range(TRIES - 1):
            with pytest.raises(NotSignedIn):
                enter(password="a wrong guess")
        enter()


def test_guesses_at_once_count_like_guesses_in_a_row(
    world: World, enter: Callable[..., SignedIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "_matches", lambda _hash, _password: False)
    outcomes: list[str] = []
    start = threading.Barrier(20)

    def guess() -> None:
        start.wait()
        try:
            enter(password="a wrong guess")
        except (NotSignedIn, TooMany) as error:
            outcomes.append(error.error_id)

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("not_signed_in") == TRIES
    assert outcomes.count("too_many") == 20 - TRIES


def test_a_session_ends_when_it_is_not_used(world: World, enter: Callable[..., SignedIn]) -> None:
    token = enter().token
    world.clock.pass_time(IDLE - MINUTE)
    assert session_of(world, token) is not None
    world.clock.pass_time(MINUTE)
    assert session_of(world, token) is None


def test_use_prolongs_a_session_without_a_write_each_time(world: World, enter: Callable[..., SignedIn]) -> None:
    token = enter().token
    writes = 0
    for _ in range(240):
        world.clock.pass_time(5 * MINUTE)
        session = session_of(world, token)
        assert session is not None
        if sign_in.wants_extension(session, world.clock.now()):
            writes += 1
            world.store.write(lambda tx, session=session: sign_in.extend(tx, session))
    assert 0 < writes <= 120


def test_no_session_outlives_its_lifetime(world: World, enter: Callable[..., SignedIn]) -> None:
    token = enter().token
    for _ in range(LIFETIME // (IDLE // 2)):
        session = session_of(world, token)
        assert session is not None
        world.store.write(lambda tx, session=session: sign_in.extend(tx, session))
        world.clock.pass_time(IDLE // 2)
    assert session_of(world, token) is None


def test_signing_out_ends_this_session_alone(world: World, carla: str, enter: Callable[..., SignedIn]) -> None:
    here, there = enter(), enter(address="192.0.2.2")
    for token, expected in ((here.token, "available"), (there.token, "offline")):
        world.store.write(lambda tx: tx.change(t.agent, {"id": carla}, {"presence": "available"}))
        session = session_of(world, token)
        assert session is not None
        world.store.write(lambda tx, session=session: sign_in.sign_out(tx, session))
        assert session_of(world, token) is None
        with world.store.read() as connection:
            assert queries.agent(connection, carla).presence == expected


def test_who_signs_in_is_there_unless_they_have_said_otherwise(
    world: World, carla: str, enter: Callable[..., SignedIn]
) -> None:
    enter()
    with world.store.read() as connection:
        assert queries.agent(connection, carla).presence == "available"
    assert world.kinds(carla) == ["PresenceChanged"]
    world.store.write(lambda tx: presence.set_presence(tx, carla, "break", "lunch"))
    enter(address="192.0.2.2")
    with world.store.read() as connection:
        assert queries.agent(connection, carla).presence == "break"
    assert world.kinds(carla) == ["PresenceChanged"] * 2, "a second window is no news"


def test_who_fails_to_sign_in_is_not_there(world: World, carla: str, enter: Callable[..., SignedIn]) -> None:
    with pytest.raises(NotSignedIn):
        enter(password="a wrong guess")
    assert world.kinds(carla) == []


def test_disabling_ends_every_session_at_once(world: World, carla: str, enter: Callable[..., SignedIn]) -> None:
    tokens = [enter().token, enter().token]
    world.store.write(lambda tx: people.disable(tx, carla))
    assert [session_of(world, token) for token in tokens] == [None, None]
    with pytest.raises(NotSignedIn):
        enter()


def test_a_new_password_ends_every_session(world: World, carla: str, enter: Callable[..., SignedIn]) -> None:
    token = enter().token
    world.store.write(lambda tx: people.set_password(tx, carla, sign_in.hash_password("another password")))
    assert session_of(world, token) is None
    assert enter(password="another password").agent_id == carla


def test_expired_sessions_and_old_failures_do_not_pile_up(world: World, enter: Callable[..., SignedIn]) -> None:
    enter()
    with pytest.raises(NotSignedIn):
        enter(password="a wrong guess", address="192.0.2.3")
    world.clock.pass_time(IDLE + WINDOW)
    enter(address="192.0.2.4")
    assert world.count(t.sign_in_session) == 1
    assert world.count(t.sign_in_attempt) == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [({"role": "boss"}, "role"), ({"email": " CARLA@example.org"}, "email")],
)
def test_people_who_break_a_rule_are_refused(world: World, carla: str, change: dict[str, str], field: str) -> None:
    values = {"name": "X", "email": "x@example.org", "role": "agent", "language": "en", "password_hash": ""} | change
    with pytest.raises(Refused) as refused:
        world.store.write(lambda tx: people.create_agent(tx, **values))
    assert refused.value.field == field


@pytest.mark.parametrize(("name", "tier", "field"), [("First line", "1", "name"), ("New", "9", "tier")])
def test_teams_that_break_a_rule_are_refused(world: World, name: str, tier: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        world.store.write(lambda tx: people.create_team(tx, name, tier))
    assert refused.value.field == field
