"""The demo firm: a shop for household goods with English and Spanish customers. Safe to run again."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files

from cryptography.fernet import InvalidToken

from hub.domain import events as e
from hub.domain.inbox import Inbox
from hub.domain.messages import Address, Author, InboundMessage, Parsed, WebhookRequest
from hub.services import (
    articles,
    assignment,
    cases,
    handoff,
    inbound,
    people,
    replies,
    sign_in,
    staffing,
    vendors,
    verification,
)
from hub.services.demo_knowledge import editors_work
from hub.services.demo_questions import weeks_behind
from hub.store import tables as t
from hub.store.queries import demo, inboxes
from hub.store.queries.vendors import Vendor
from hub.store.secret_box import SecretBox
from hub.store.unit_of_work import Store, Tx

PASSWORD = "centralita"  # noqa: S105  # of the demo's logins, printed at every start
INBOX_KEY = "demo"
FIRM_NAME = "Lumbre"
# (name, e-mail, role, language of the screens, teams)
PEOPLE = (
    ("Ana Torres", "ana@demo.example", "agent", "es", ("First line",)),
    ("Ben Carter", "ben@demo.example", "agent", "en", ("First line", "Returns")),
    ("Sofía Méndez", "sofia@demo.example", "supervisor", "es", ("First line", "Returns")),
    ("Emma Clarke", "emma@demo.example", "editor", "en", ()),
    ("Alex Admin", "admin@demo.example", "administrator", "en", ("First line",)),
)
TEAMS = (("First line", "1"), ("Returns", "2"))
SKILLS = {"en": "language", "es": "language", "repair": "topic"}
LEVELS = {
    "Ana Torres": {"es": 5, "en": 2},
    "Ben Carter": {"en": 5, "es": 3, "repair": 4},
    "Sofía Méndez": {"es": 5, "en": 4, "repair": 2},
    "Alex Admin": {"en": 5},
}
# (field, in English, in Spanish)
QUESTIONS = (
    ("customer_number", "What is your customer number?", "¿Cuál es su número de cliente?"),
    ("postcode", "What is your postcode?", "¿Cuál es su código postal?"),
)
CUSTOMERS = (("12345678", "Ana García", "28013"), ("87654321", "John Smith", "SW1A 1AA"))
# What the simulated provider gives it (`make run`; the same as in channels/simulators/phones.py).
SMS_KEY = "demo-sms"
# The messaging apps of the simulators, with the names of their inboxes, which are demo-telegram and so on.
APPS = {
    "whatsapp": "WhatsApp",
    "messenger": "Messenger",
    "instagram": "Instagram",
    "telegram": "Telegram",
    "line": "LINE",
    "slack": "Slack",
}
# Their accounts at the simulated Meta, as channels/simulators/meta.py has them.
META: dict[str, dict[str, object]] = {
    "whatsapp": {"phone_number_id": "106540352242922", "business_account_id": "102290129340398"},
    "messenger": {"page_id": "1011121314", "app_id": "4455667788", "human_agent": True},
    "instagram": {"account_id": "17841400000000001", "app_id": "4455667788", "human_agent": True},
}
SMS_NUMBERS = ("+34644010203", "+447400123123")
# The same as in channels/simulators/mail_people.py.
MAIL_KEY = "demo-mail"
WORKSHOP = Vendor(
    "", "Taller Norte", "es", "", ("pedidos@taller-norte.example",), same_domain=False, active=True, page=True
)
MAIL_ADDRESS = "support@lumbre.example"
# (order, customer, state, carrier, expected)
ORDERS = (
    ("A100234", "12345678", "shipped", "SEUR", "2026-11-25"),
    ("A100235", "12345678", "processing", "", ""),
    ("A100236", "87654321", "delivered", "Royal Mail", "2026-11-18"),
)
# (who, language, what they wrote, why it was handed over, priority)
WAITING = (
    ("Lucía Fernández", "es", "La cafetera que compré gotea por abajo. ¿Me la cambian?", "not_understood", 2),
    ("Tom Baker", "en", "I was charged twice for order A100771, can a person look at this?", "customer_asked", 3),
    ("Marta Ruiz", "es", "Quiero hablar con una persona, ya he escrito tres veces.", "customer_asked", 1),
)
# Of the answers that the chat gives from articles; where one is less sure, three are offered.
TARGET_PRECISION = 0.8
_WIDGET = {
    "origins": [],
    "title": {"en": "Lumbre", "es": "Lumbre"},
    "greeting": {
        "en": "Hello! Ask us anything about your order, deliveries or returns.",
        "es": "¡Hola! Pregúntenos lo que quiera sobre su pedido, envíos o devoluciones.",
    },
    "languages": ["en", "es"],
    "pre_chat": [{"name": "name", "required": False}, {"name": "email", "required": False}],
    "quick_replies": {
        "en": ["Where is my order?", "How do I return something?", "What are your opening hours?"],
        "es": ["¿Dónde está mi pedido?", "¿Cómo devuelvo algo?", "¿Cuál es su horario?"],
    },
}

# What the chat says once there is a number: whoever leaves theirs can go on by text message.
_TEXT_US = {
    "text_us": SMS_NUMBERS[0],
    "default_region": "ES",
    "pre_chat": [{"name": each, "required": False} for each in ("name", "email", "phone")],
}


def seed(store: Store, public_url: str) -> bool:
    """Puts the demo firm into an empty database. Returns whether there was anything to do.

    Args:
        store: migrated.
        public_url: the hub's own address: its demo shop embeds the chat.
    """
    with store.read() as connection:
        if demo.has_agents(connection):
            return False
    password_hash = sign_in.hash_password(PASSWORD)
    lines = (files("hub") / "seed" / "articles.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line) for line in lines if line]

    # All or nothing, long as it is: nobody else is at work on an empty database.
    def firm(tx: Tx) -> bool:
        demo.lock(tx)
        if demo.has_agents(tx.connection):
            return False
        teams = {name: people.create_team(tx, name, tier) for name, tier in TEAMS}
        for skill, kind in SKILLS.items():
            staffing.set_skill(tx, skill, kind)
        for field, question_en, question_es in QUESTIONS:
            verification.set_question(tx, field, question_en, question_es, 0)
        for name, email, role, language, its_teams in PEOPLE:
            agent_id = people.create_agent(
                tx,
                name=name,
                email=email,
                role=role,
                language=language,
                password_hash=password_hash,
                team_ids=tuple(teams[team] for team in its_teams),
            )
            for skill, level in LEVELS.get(name, {}).items():
                tx.add(t.agent_skill, {"agent_id": agent_id, "skill": skill, "level": level})
        settings = _WIDGET | {"origins": [public_url], "rules": {"thresholds": {"target_precision": TARGET_PRECISION}}}
        values = {"id": tx.new_id(), "key": INBOX_KEY, "name": "Web chat", "channel": "webchat"}
        tx.add(t.inbox, values | {"team_id": teams["First line"], "settings": json.dumps(settings)})
        for number, name, postcode in CUSTOMERS:
            tx.add(t.customer_record, {"customer_number": number, "name": name, "postcode": postcode})
        for order_id, customer, state, carrier, expected in ORDERS:
            values = {"order_id": order_id, "customer_number": customer, "state": state}
            tx.add(t.order_record, values | {"carrier": carrier, "expected": expected})
        _articles(tx, texts)
        editors_work(tx)
        for document in json.loads((files("hub") / "seed" / "cases.json").read_text(encoding="utf-8")):
            cases.save_base(tx, json.dumps(document, ensure_ascii=False))
        _conversations(tx, inboxes.by_key(tx.connection, INBOX_KEY))
        return True

    return store.write(firm)


def connect_phones(store: Store, box: SecretBox, *, api_url: str, account_sid: str, auth_token: str) -> bool:
    """Makes the demo firm's inbox for text messages, or tells it where the simulated provider is now.

    Args:
        store: migrated; nothing is done where the demo firm is not in it.
        box: seals the token.
        api_url: the simulated provider's address.
        account_sid: the account there.
        auth_token: its token, which signs the webhooks too.

    Returns:
        Whether anything was written.
    """
    settings = {
        "account_sid": account_sid,
        "numbers": list(SMS_NUMBERS),
        "api_url": api_url,
        "default_region": "ES",
        # Pictures, which real networks take in few countries, and more than their one message a second.
        "mms": True,
        "messages_per_second": 100,
    }
    secrets = json.dumps({"auth_token": auth_token})
    sealed = box.seal(secrets)

    def phones(tx: Tx) -> bool:
        demo.lock(tx)
        known = {inbox.key: inbox for inbox in inboxes.every(tx.connection)}
        if INBOX_KEY not in known:
            return False
        if SMS_KEY not in known:
            values = {"id": tx.new_id(), "key": SMS_KEY, "name": "Text messages", "channel": "sms"}
            values["team_id"] = known[INBOX_KEY].team_id
            tx.add(t.inbox, values | {"settings": json.dumps(settings), "secrets": sealed})
            chat = json.loads(demo.settings_of(tx.connection, INBOX_KEY)) | _TEXT_US
            tx.change(t.inbox, {"key": INBOX_KEY}, {"settings": json.dumps(chat)})
            return True
        now = json.loads(demo.settings_of(tx.connection, SMS_KEY))
        if now | settings == now and _opens_to(box, known[SMS_KEY].sealed_secrets, secrets):
            return False
        tx.change(t.inbox, {"key": SMS_KEY}, {"settings": json.dumps(now | settings), "secrets": sealed})
        return True

    return store.write(phones)


def connect_apps(store: Store, box: SecretBox, *, api_url: str, token: str) -> bool:
    """Makes the demo firm's inboxes for the messaging apps, or tells them where the simulated providers are now.

    Args:
        store: migrated; nothing is done where the demo firm is not in it.
        box: seals the secrets.
        api_url: the simulators' address.
        token: what their secrets are made of, the same as in channels/simulators/apps.py and meta.py.

    Returns:
        Whether anything was written.
    """
    secrets = {
        "telegram": {"bot_token": f"7000000001:{token}", "webhook_secret": token},
        "line": {"channel_secret": token, "channel_access_token": f"line-{token}"},
        "slack": {"bot_token": f"xoxb-{token}", "signing_secret": token},
    }
    of_meta = {"access_token": f"EAA{token}", "app_secret": token, "verify_token": f"verify-{token}"}

    def connect(tx: Tx) -> bool:
        demo.lock(tx)
        known = {inbox.key: inbox for inbox in inboxes.every(tx.connection)}
        if INBOX_KEY not in known:
            return False
        changed = False
        for app, name in APPS.items():
            key, kept = f"demo-{app}", json.dumps(secrets.get(app, of_meta))
            settings = {"api_url": f"{api_url}/{'meta' if app in META else app}", **META.get(app, {})}
            if key not in known:
                values = {"id": tx.new_id(), "key": key, "name": name, "channel": app}
                values |= {"team_id": known[INBOX_KEY].team_id, "settings": json.dumps(settings)}
                tx.add(t.inbox, values | {"secrets": box.seal(kept)})
                changed = True
                continue
            now = json.loads(demo.settings_of(tx.connection, key))
            if now | settings != now or not _opens_to(box, known[key].sealed_secrets, kept):
                tx.change(t.inbox, {"key": key}, {"settings": json.dumps(now | settings), "secrets": box.seal(kept)})
                changed = True
        return changed

    return store.write(connect)


def connect_mail(store: Store, host: str, port: int) -> bool:
    """Makes the demo firm's mailbox, or tells it where the simulated mail server is now.

    Args:
        store: migrated; nothing is done where the demo firm is not in it.
        host: of the server that takes what the firm sends, on this machine.
        port: its port.

    Returns:
        Whether anything was written.
    """
    settings = {
        "address": MAIL_ADDRESS,
        "name": FIRM_NAME,
        "signature": "{agent}\n" + FIRM_NAME,
        "smtp": {"host": host, "port": port, "security": "none"},
    }

    def mailbox(tx: Tx) -> bool:
        demo.lock(tx)
        known = {inbox.key: inbox for inbox in inboxes.every(tx.connection)}
        if INBOX_KEY not in known:
            return False
        if MAIL_KEY not in known:
            values = {"id": tx.new_id(), "key": MAIL_KEY, "name": "Mail", "channel": "email"}
            values["team_id"] = known[INBOX_KEY].team_id
            tx.add(t.inbox, values | {"settings": json.dumps(settings)})
            # Its mailbox is on the simulator's page: whoever tries the demo can ask it, and answer for it.
            vendors.save(tx, replace(WORKSHOP, inbox_id=values["id"]))
            return True
        now = json.loads(demo.settings_of(tx.connection, MAIL_KEY))
        if now.get("smtp") == settings["smtp"]:
            return False
        tx.change(t.inbox, {"key": MAIL_KEY}, {"settings": json.dumps(now | {"smtp": settings["smtp"]})})
        return True

    return store.write(mailbox)


def _opens_to(box: SecretBox, sealed: str, secrets: str) -> bool:
    try:
        return box.open(sealed) == secrets
    except InvalidToken:  # sealed with a key that is no more: what is known now replaces it
        return False


def _articles(tx: Tx, texts: list[dict[str, str]]) -> None:
    for text in texts:
        articles.import_published(
            tx, text["id"], locale=text["locale"], title=text["title"], body=text["body"], by=e.SYSTEM
        )


def _conversations(tx: Tx, inbox: Inbox) -> None:
    """A few conversations that a person would find on a Monday morning, and what was asked in the weeks before."""
    weeks_behind(tx, inbox)
    for number, (name, language, text, reason, priority) in enumerate(WAITING):
        message = InboundMessage(
            external_id=f"demo:{number}",
            address=Address(inbox.channel, f"demo-visitor-{number}", inbox.id, name),
            text=text,
            language=language,
        )
        (received,) = inbound.accept(tx, inbox, Parsed((message,)), WebhookRequest("POST", "demo"))
        handoff.hand_over(tx, received.conversation_id, reason=reason, open_question=received.message_id)
        assignment.set_priority(tx, received.conversation_id, priority, e.SYSTEM)
    solved = InboundMessage(
        external_id="demo:solved",
        address=Address(inbox.channel, "demo-visitor-solved", inbox.id, "Paul Jones"),
        text="Do the oak shelves come with screws?",
        language="en",
    )
    (received,) = inbound.accept(tx, inbox, Parsed((solved,)), WebhookRequest("POST", "demo"))
    handoff.hand_over(tx, received.conversation_id, reason="not_understood", open_question=received.message_id)
    agent_id = demo.agent_with_email(tx.connection, "ben@demo.example")
    replies.reply(tx, received.conversation_id, agent_id, "Yes, screws and wall plugs are in the box.", "demo-1")
    assignment.resolve(tx, received.conversation_id, e.Actor(Author.AGENT, agent_id))
