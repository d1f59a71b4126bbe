"""Signing in and out.

Passwords rest as argon2id hashes, session tokens as SHA-256: a copy of the database signs nobody in. Checking a
password takes tens of milliseconds on purpose, so it happens outside of any transaction.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub import cores
from hub.domain.errors import NotSignedIn, Refused, TooMany, Unavailable
from hub.services import presence
from hub.store import tables as t
from hub.store.queries import people
from hub.store.queries.people import Session
from hub.store.unit_of_work import Reading, Store, Tx

MINUTE = 60_000_000
# A session ends when it was not used for so long, and in any case at the end of its lifetime.
IDLE = 12 * 60 * MINUTE
LIFETIME = 7 * 24 * 60 * MINUTE
# The idle time is not written at every request: only when this much of it has gone.
_WORTH_WRITING = 10 * MINUTE
TRIES = 5
WINDOW = 15 * MINUTE
SHORTEST_PASSWORD = 10

# OWASP's second choice for argon2id: 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Somebody whom we do not know is checked against this, so that the answer takes as long. Nobody knows its password.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$kN9tuqFXAqXnMzcvz/gktQ$PpC5Cu9aYtWSUOoyn4R+5z2jAAyupF4cjHrmNrhzPcc"
# Each check holds 19 MiB: a burst of sign-ins must not take all the memory.
_CHECKS = threading.BoundedSemaphore(4)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session. `token` goes into the cookie and is kept nowhere."""

    token: str
    agent_id: str
    csrf_token: str


def cookie_name(*, secure: bool) -> str:
    """The session's cookie. Over TLS its prefix makes browsers hold it to this very host (RFC 6265bis §4.1.3)."""
    return "__Host-centralita" if secure else "centralita"


def hash_password(password: str) -> str:
    """The hash that rests in the database. Slow on purpose. Raises Refused for a password that is too short."""
    if len(password) < SHORTEST_PASSWORD:
        raise Refused("password", f"must have at least {SHORTEST_PASSWORD} characters")
    return _HASHER.hash(password)


def sign_in(store: Store, email: str, password: str, address: str) -> SignedIn:
    """Begins a session.

    Args:
        store: where everything rests; this is no use case but two, with the slow check between them.
        email: as typed; compared without regard to case.
        password: as typed.
        address: where the request came from.

    Raises:
        NotSignedIn: wrong password, unknown or disabled: which of them is not said, nor to be told by the clock.
        TooMany: too many failures of this e-mail address from this place.
        Unavailable: too many people sign in at this moment.
    """
    email = email.strip().lower()
    attempt_id = sha256(f"{email}\0{address}".encode()).hexdigest()
    wait = store.write(lambda tx: _count_attempt(tx, attempt_id))
    if wait:
        raise TooMany("too many failed sign-ins; wait a while", retry_after=wait)
    with store.read() as connection:
        found = people.credentials(connection, email)
    matches = _matches((found and found.password_hash) or _NOBODY, password)
    if found is None or found.disabled or not matches:
        raise NotSignedIn("the e-mail address or the password is wrong")
    better_hash = _HASHER.hash(password) if _HASHER.check_needs_rehash(found.password_hash) else ""
    signed_in = SignedIn(secrets.token_urlsafe(32), found.agent_id, secrets.token_urlsafe(32))
    store.write(lambda tx: _begin(tx, signed_in, attempt_id, better_hash))
    return signed_in


def _count_attempt(tx: Tx, attempt_id: str) -> int:
    """Counts a try before it is made, so that a hundred at once are not all the first. Returns seconds to wait."""
    before = people.attempts(tx, attempt_id)
    if before is None:
        # Not an upsert: whoever is second gets a uniqueness error, runs again and counts on.
        tx.add(t.sign_in_attempt, {"id": attempt_id, "tries": 1, "since": tx.now})
        return 0
    if before.since + WINDOW <= tx.now:
        before = people.Attempts(0, tx.now)
    elif before.tries >= TRIES:
        return (before.since + WINDOW - tx.now) // 1_000_000 + 1
    tx.change(t.sign_in_attempt, {"id": attempt_id}, {"tries": before.tries + 1, "since": before.since})
    return 0


def _matches(password_hash: str, password: str) -> bool:
    if not _CHECKS.acquire(timeout=5):
        raise Unavailable("too many people sign in at this moment")
    try:
        with cores.spread():
            return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
    finally:
        _CHECKS.release()


def _begin(tx: Tx, signed_in: SignedIn, attempt_id: str, better_hash: str) -> None:
    people.forget_sessions(tx)
    people.forget_attempts(tx, tx.now - WINDOW)
    tx.remove(t.sign_in_attempt, {"id": attempt_id})
    if better_hash:
        tx.change(t.agent, {"id": signed_in.agent_id}, {"password_hash": better_hash})
    if people.agent(tx.connection, signed_in.agent_id).presence == "offline":
        # Who is signed in elsewhere has said how they are: that stays.
        presence.set_presence(tx, signed_in.agent_id, "available", "signed_in")
    tx.add(
        t.sign_in_session,
        {
            "id": _session_id(signed_in.token),
            "agent_id": signed_in.agent_id,
            "csrf_token": signed_in.csrf_token,
            "created_at": tx.now,
            "expires_at": tx.now + IDLE,
        },
    )


def current(connection: Reading, token: str, now: int) -> Session | None:
    """The session of a cookie's token; None when there is none, it has expired or its agent was disabled."""
    return people.session(connection, _session_id(token), now) if token else None


def wants_extension(session: Session, now: int) -> bool:
    """Whether enough of the idle time has gone that `extend` is worth a write."""
    return min(now + IDLE, session.created_at + LIFETIME) - session.expires_at >= _WORTH_WRITING


def extend(tx: Tx, session: Session) -> None:
    """Begins the idle time anew, up to the session's lifetime."""
    until = min(tx.now + IDLE, session.created_at + LIFETIME)
    tx.change(t.sign_in_session, {"id": session.id}, {"expires_at": until})


def sign_out(tx: Tx, session: Session) -> None:
    """Ends a session. Whoever is signed in nowhere else is offline."""
    tx.remove(t.sign_in_session, {"id": session.id})
    if not people.has_session(tx, session.agent_id):
        presence.set_presence(tx, session.agent_id, "offline", "signed_out")


def _session_id(token: str) -> str:
    return sha256(token.encode()).hexdigest()
