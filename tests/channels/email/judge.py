"""What is wrong with the reading of a sample; empty when nothing is."""

from __future__ import annotations

import re
from functools import cache

from channels.email.mime import Mail, Unparsed, parse_mail
from channels.email.reply_text import reply_text
from channels.email.robots import bounces, robot
from tests.channels.email.corpus import Sample


@cache
def read(raw: bytes) -> Mail | Unparsed:
    """`parse_mail`, once for each mail of the corpus: some take seconds."""
    return parse_mail(raw)


def squeezed(text: str) -> str:
    """Text without regard to white space."""
    return re.sub(r"\s+", " ", text).strip()


def own_text_right(sample: Sample) -> bool:
    """Whether the reply's own text is what its writer wrote."""
    mail = read(sample.raw)
    if not isinstance(mail, Mail) or sample.own_text is None:
        return False
    return squeezed(reply_text(mail.text, mail.html).own_text) == squeezed(sample.own_text)


def failures(sample: Sample) -> list[str]:
    """Where the reading of a sample differs from what must come of it, in words; its own text is judged apart."""
    mail = read(sample.raw)
    if not isinstance(mail, Mail):
        return [] if sample.refused else [f"refused: {mail.reason}"]
    if sample.refused:
        return ["read, but should be refused"]
    author = mail.author
    found: dict[str, tuple[object, object]] = {
        "subject": (mail.subject, sample.subject),
        "sender": (author.address if author else "", sample.sender),
        "sender's name": (author.name if author else "", sample.sender_name),
        "parts": (tuple(part.name for part in mail.parts), sample.parts),
        "content": (mail.parts[0].content if mail.parts else None, sample.content),
        "message id": (mail.message_id, sample.message_id),
        "date": (mail.date.isoformat() if mail.date else "", sample.date),
        "recipients": (len(mail.cc), sample.recipients),
        "calendar": ("".join(mail.calendar), sample.calendar),
        "protection": (mail.protection, sample.protection),
    }
    if sample.robot is not None:
        found["robot"] = (robot(mail).kind, sample.robot)
    if sample.bounced is not None:
        found["bounced"] = (tuple((one.recipient, one.status) for one in bounces(mail)), sample.bounced)
    if sample.bounce_of is not None:
        found["bounce of"] = ({one.original_message_id for one in bounces(mail)}, {sample.bounce_of})
    wrong = [
        f"{what}: {got!r}, not {want!r}" for what, (got, want) in found.items() if want is not None and got != want
    ]
    body = mail.body_text()
    wrong += [f"text lacks {piece!r}: {body[:200]!r}" for piece in sample.text if piece not in body]
    if sample.note is not None and not any(sample.note in note for note in mail.notes):
        wrong.append(f"no note of {sample.note!r}: {mail.notes}")
    return wrong
