"""Mails a second from raw bytes to the commit, on SQLite: parsed, put in their conversation, stored with their source.

They come as a mailbox hands them over where several wait, and the outbox is run meanwhile by the same process. A run
counts only when every mail is a message, every reply is in the conversation of the mail that it answers, every source
is in the file store, the hub's own connections wait for the disk, and the outbox is empty within a minute.
"""

from __future__ import annotations

import random
import time
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from benchmarks.harness import Context, Figure, furnish, hub_environment, median
from benchmarks.ingest_sqlite import SYNCHRONOUS_FULL, TEAM, ask, drained, synchronous
from benchmarks.yardsticks import mail_loop
from channels.email.imap import TOGETHER
from hub import app
from hub.domain.messages import WebhookRequest
from hub.services import inboxes, intake
from hub.settings import from_environment

MAILS = 2000
WARM_UP = 50
ROUNDS = 3
ALL_ROUNDS_FROM = 0.1
HOUSE = "help@shop.example"
PICTURE = random.Random(8).randbytes(60_000)  # noqa: S311  # no secret
SIGNATURE = "\n\n-- \nKind regards\nCarla Ruiz\n+34 600 111 222\n"
STORY = """Hello,

my order {order} should have come last week. The tracking page says that it left the depot on
Monday, and nothing since. I have written to the carrier, who says that you must ask. It is a
lamp, the blue one, and a box of bulbs; the lamp is a present and I need it by Friday. Could you
please look where it is, and send another if it is lost? My address has not changed.
"""


def run(context: Context) -> dict[str, Figure]:
    count, rounds = context.scaled(MAILS, 20), ROUNDS if context.size >= ALL_ROUNDS_FROM else 1
    mails = [one for number in range(count // 2) for one in exchange(number)]
    warm = [one for number in range(WARM_UP) for one in exchange(1_000_000 + number)]
    ours: list[float] = []
    plain: list[float] = []
    for number in range(rounds):
        folder = context.folder / str(number)
        folder.mkdir()
        mail_loop.store(warm, folder / "warm.sqlite3")
        plain.append(len(mails) / mail_loop.store(mails, folder / "plain.sqlite3"))
        ours.append(len(mails) / take(folder, warm, mails))
    value, limit = median(ours), median(plain)
    runs = [
        {"mails_per_second": round(our, 1), "plain_per_second": round(bare, 1)}
        for our, bare in zip(ours, plain, strict=True)
    ]
    return {"mail": Figure(value, "mails/s", True, limit, value / limit, runs)}


def exchange(number: int) -> tuple[bytes, bytes]:
    """A customer's first mail, and another one below it with the first one quoted.

    Of ten pairs four are plain text, four text and HTML, one is Latin-1 as quoted-printable and one has a picture.
    """
    sender, first_id = f"Carla Ruiz <carla-{number}@customer.example>", f"<first-{number}@customer.example>"
    told = STORY.format(order=f"A{100000 + number}")
    first = written(number, sender, f"Where is my order A{100000 + number}?", first_id, told + SIGNATURE)
    quoted = "".join(f"> {line}\n" for line in told.splitlines())
    text = f"It is still not here.\n\nOn Mon, 20 Nov 2023 at 10:00, Carla Ruiz wrote:\n{quoted}"
    second = written(number, sender, f"Re: Where is my order A{100000 + number}?", f"<second-{number}@x.example>", text)
    second["In-Reply-To"] = second["References"] = first_id
    return first.as_bytes(policy=SMTP), second.as_bytes(policy=SMTP)


def written(number: int, sender: str, subject: str, message_id: str, text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["Received"] = "from mx.customer.example (mx.customer.example [192.0.2.7]) by mx.shop.example; 20 Nov 2023"
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = sender, HOUSE, subject, message_id
    mail["Date"] = "Mon, 20 Nov 2023 10:00:00 +0100"
    kind = number % 10
    if kind == 4:
        mail.set_content(text.replace("Hello", "¡Qué lámpara!"), charset="iso-8859-1", cte="quoted-printable")
    else:
        mail.set_content(text)
    if 4 < kind < 9:
        lines = "".join(f"<div>{line or '<br>'}</div>" for line in text.splitlines())
        mail.add_alternative(f'<html><body><div dir="ltr" style="color:#222">{lines}</div></body></html>', "html")
    if kind == 9:
        mail.add_attachment(PICTURE, "image", "jpeg", filename="lamp.jpg")
    return mail


def take(folder: Path, warm: list[bytes], mails: list[bytes]) -> float:
    """Seconds that a new hub takes for `mails`. Raises ValueError or TimeoutError unless the run may count."""
    environment = hub_environment(folder, 8000)
    furnish(environment)
    assembled = app.build(from_environment(environment))
    hub = assembled.hub
    own = {"address": HOUSE, "name": "Shop"}
    key = hub.store.write(
        lambda tx: inboxes.connect(tx, hub.box, channel="email", name="Mail", team=TEAM, settings=own, secrets={})
    )
    inbox = hub.inboxes.by_key(key)
    channel = hub.channel_of(inbox)
    assembled.start()
    try:

        def hand_over(mails: list[bytes], mailbox: str) -> None:
            requests = [
                WebhookRequest("FETCH", f"imap://mx/{mailbox};UID={number}", body=raw)
                for number, raw in enumerate(mails)
            ]
            for begin in range(0, len(requests), TOGETHER):
                for _ in intake.take_all(hub, inbox, channel, requests[begin : begin + TOGETHER], also=lambda *_: None):
                    pass

        hand_over(warm, "Warm")
        drained(folder)
        began = time.perf_counter()
        hand_over(mails, "INBOX")
        seconds = time.perf_counter() - began
        counts(folder, len(warm) + len(mails))
    finally:
        assembled.stop()
    return seconds


def counts(folder: Path, mails: int) -> None:
    """Raises ValueError or TimeoutError unless all mails are in, as they came and where they belong."""
    drained(folder)
    stored = "FROM message WHERE kind = 'incoming' AND inbox_id IN (SELECT id FROM inbox WHERE channel = 'email')"
    found = {
        "messages": ask(folder, f"SELECT count(*) {stored}"),
        "conversations of two mails": 2 * ask(folder, f"SELECT count(DISTINCT conversation_id) {stored}"),
        "sources": ask(folder, "SELECT count(*) FROM source WHERE state = 'stored'"),
        "files of sources": len([each for each in (folder / "files" / "sources").iterdir() if each.is_file()]),
    }
    for name, count in found.items():
        if count != mails:
            raise ValueError(f"{mails} mails came, and there are {count} in {name}")
    if (level := synchronous(folder)) != SYNCHRONOUS_FULL:
        raise ValueError(f"a commit is not on the disk when it returns: PRAGMA synchronous reads {level}")
