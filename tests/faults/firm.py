"""The firm of the schedules: one team, an agent who is signed in, and an inbox of each channel. Put once into an empty
database, of which each schedule has a copy."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.app import open_store
from hub.clock import SystemClock
from hub.services import people, sign_in
from hub.settings import from_environment
from hub.store import tables as t
from hub.store.migrate import migrate_url
from hub.store.secret_box import SecretBox
from hub.store.unit_of_work import Tx

NUMBER, MAIL_ADDRESS = "+34644010203", "support@lumbre.example"
ACCOUNT, TOKEN = f"AC{'1' * 32}", "the token of a simulated account"
CHAT_KEY, SMS_KEY, MAIL_KEY = "demo", "demo-sms", "demo-mail"
ADMIN, PASSWORD = "admin@demo.example", secrets.token_urlsafe(16)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The headers of somebody's calls."""

    headers: Mapping[str, str]


def furnish(
    database_url: str,
    environment: Mapping[str, str],
    *,
    simulator: str,
    smtp_port: int,
    chat: str,
    numbers: Sequence[str] = (NUMBER,),
) -> SignedIn:
    """Migrates and fills a database. Returns the session of the firm's one agent, who may read everything too."""
    migrate_url(database_url)
    settings = from_environment({**environment, "CENTRALITA_DATABASE_URL": database_url})
    store = open_store(settings, SystemClock(), lambda _nudges, _events: None)
    box = SecretBox(settings.secret_key)
    password_hash = sign_in.hash_password(PASSWORD)
    own: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
        CHAT_KEY: ("webchat", {"origins": [chat], "languages": ["en", "es"], "pre_chat": []}, {}),
        SMS_KEY: (
            "sms",
            {"account_sid": ACCOUNT, "numbers": [*numbers], "api_url": simulator, "default_region": "ES"}
            | {"messages_per_second": 0, "timeout": 2},
            {"auth_token": TOKEN},
        ),
        MAIL_KEY: (
            "email",
            {"address": MAIL_ADDRESS, "name": "Lumbre"}
            | {"smtp": {"host": "127.0.0.1", "port": smtp_port, "security": "none"}},
            {},
        ),
    }

    def firm(tx: Tx) -> None:
        team = people.create_team(tx, "First line")
        who = {"name": "Alex", "email": ADMIN, "role": "administrator", "language": "en"}
        people.create_agent(tx, **who, password_hash=password_hash, team_ids=(team,))
        for key, (channel, its_settings, its_secrets) in own.items():
            sealed = box.seal(json.dumps(its_secrets)) if its_secrets else ""
            values = {"id": tx.new_id(), "key": key, "name": key, "channel": channel, "team_id": team}
            tx.add(t.inbox, values | {"settings": json.dumps(its_settings), "secrets": sealed})

    try:
        store.write(firm)
        session = sign_in.sign_in(store, ADMIN, PASSWORD, "127.0.0.1")
    finally:
        store.close()
    cookie = f"{sign_in.cookie_name(secure=False)}={session.token}"
    return SignedIn({"Cookie": cookie, "X-CSRF-Token": session.csrf_token})
