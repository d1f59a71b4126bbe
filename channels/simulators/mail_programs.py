"""How customers' mail programs write: new mails, replies with their quotes, and what servers write by themselves.

The shapes are those of mails that Gmail, Outlook, Apple Mail and Thunderbird send (2023 to 2025): where the answer
stands, what introduces the quote, which headers tie the thread. Out-of-office replies follow RFC 3834, reports of mails
that did not arrive RFC 3464.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

PROGRAMS = ("gmail", "outlook", "apple", "thunderbird")
_NAMES = {
    "gmail": "",
    "outlook": "Microsoft Outlook 16.0",
    "apple": "Apple Mail (2.3774.600.62)",
    "thunderbird": "Mozilla Thunderbird",
}
_MONTHS = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "es": ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"],
}
_DAYS = {
    "en": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    "es": ["lun", "mar", "mié", "jue", "vie", "sáb", "dom"],
}
_LABELS = {"en": ("From", "Sent", "To", "Subject"), "es": ("De", "Enviado el", "Para", "Asunto")}
_PREFIXES = ("re:", "rv:", "fw:", "fwd:", "aw:")
_BODY = re.compile(r"<body[^>]*>(.*)</body>", re.IGNORECASE | re.DOTALL)
_AWAY = {
    "en": ("Out of office", "I am out of the office until Monday. In urgent matters please ask my colleagues."),
    "es": (
        "Fuera de la oficina",
        "Estoy fuera de la oficina hasta el lunes. Si urge, pregunten a mis compañeros.",
    ),
}
_NOT_DELIVERED = "Delivery Status Notification (Failure)"


@dataclass(frozen=True, slots=True)
class Quoted:
    """A mail that is answered. `references` are the ids that it names itself, oldest first; all without brackets."""

    message_id: str
    references: tuple[str, ...]
    name: str
    address: str
    to: str
    sent_at: datetime
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that goes along."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody writes. `language` is en or es, `program` one of `PROGRAMS`; `away`: no person wrote this."""

    message_id: str
    sent_at: datetime
    name: str
    address: str
    to: str
    subject: str
    text: str
    language: str = "en"
    program: str = "gmail"
    answers: Quoted | None = None
    files: Sequence[Picture] = ()
    away: bool = False


def reply_subject(subject: str) -> str:
    """The subject of an answer."""
    return subject if subject.lower().startswith(_PREFIXES) else f"Re: {subject}".strip()


def away_note(language: str, subject: str) -> tuple[str, str]:
    """Subject and text of an out-of-office reply to a mail with this subject."""
    prefix, text = _AWAY[language]
    return f"{prefix}: {subject}", text


def write(draft: Draft) -> bytes:
    """The whole mail, lines ended by CRLF."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _address(draft.name, draft.address)
    mail["To"] = _address("", draft.to)
    mail["Subject"] = _one_line(draft.subject)
    mail["Date"] = format_datetime(draft.sent_at)
    mail["Message-ID"] = f"<{draft.message_id}>"
    if draft.answers:
        mail["In-Reply-To"] = f"<{draft.answers.message_id}>"
        ids = (*draft.answers.references, draft.answers.message_id)
        mail["References"] = " ".join(f"<{each}>" for each in ids[-20:])
        if draft.program == "outlook":
            mail["Thread-Topic"] = _one_line(re.sub(r"^re:\s*", "", draft.subject, flags=re.IGNORECASE))
    if draft.away:
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"
    elif _NAMES[draft.program]:
        mail["User-Agent" if draft.program == "thunderbird" else "X-Mailer"] = _NAMES[draft.program]
    text, html = _text(draft), _html(draft)
    mail.set_content(text, cte="quoted-printable")
    if html:
        mail.add_alternative(html, subtype="html", cte="quoted-printable")
    for each in draft.files:
        maintype, _, subtype = each.media_type.partition("/")
        mail.add_attachment(each.content, maintype, subtype, filename=_one_line(each.name))
    if draft.program in ("outlook", "thunderbird"):
        mail["Content-Language"] = draft.language
    return mail.as_bytes()


def bounce(message_id: str, sent_at: datetime, returned: Quoted, recipient: str, status: str, words: str) -> bytes:
    """The report of a mail that did not arrive (RFC 3464).

    Args:
        message_id: the report's own.
        sent_at: when.
        returned: the mail that comes back; its `address` is who is told.
        recipient: whom it did not reach.
        status: such as 5.1.1 (RFC 3463).
        words: what the recipient's server is said to have answered.
    """
    domain = recipient.rpartition("@")[2]
    told = f"Your message to {recipient} could not be delivered.\r\n\r\nThe server of {domain} answered:\r\n{words}\r\n"
    report = (
        f"Reporting-MTA: dns; mx.{domain}\r\nArrival-Date: {format_datetime(sent_at)}\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; {words}\r\n"
    )
    headers = (
        f"Message-ID: <{returned.message_id}>\r\nFrom: <{returned.address}>\r\nTo: <{recipient}>\r\n"
        f"Subject: =?utf-8?b?{base64.b64encode(returned.subject.encode()).decode()}?=\r\n"
    )
    line = f"=_report_{message_id.partition('@')[0]}"
    parts = (
        ("text/plain; charset=us-ascii", told),
        ("message/delivery-status", report),
        ("text/rfc822-headers", headers),
    )
    body = "".join(f"--{line}\r\nContent-Type: {kind}\r\n\r\n{content}\r\n" for kind, content in parts)
    return (
        f"From: Mail Delivery Subsystem <mailer-daemon@{domain}>\r\nTo: <{returned.address}>\r\n"
        f"Subject: {_NOT_DELIVERED}\r\nDate: {format_datetime(sent_at)}\r\nMessage-ID: <{message_id}>\r\n"
        f"In-Reply-To: <{returned.message_id}>\r\nReferences: <{returned.message_id}>\r\n"
        f"Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{line}"\r\n\r\n'
        f"{body}--{line}--\r\n"
    ).encode("ascii", "replace")


def _text(draft: Draft) -> str:
    own = draft.text.rstrip()
    if draft.answers is None or draft.away:
        return f"{own}\n"
    quoted = draft.answers.text.rstrip()
    if draft.program == "outlook":
        lines = "\n".join(f"{label}: {value}" for label, value in _header_block(draft, draft.answers))
        return f"{own}\n\n{'_' * 32}\n{lines}\n\n{quoted}\n"
    marked = "\n".join(f"> {line}".rstrip() for line in quoted.splitlines())
    introduction = _introduction(draft, draft.answers)
    if draft.program == "apple":
        return f"{own}\n\n> {introduction}\n> \n{marked}\n"
    if draft.program == "thunderbird":  # the answer stands below, as netiquette has it
        return f"{introduction}\n{marked}\n\n{own}\n"
    return f"{own}\n\n{introduction}\n\n{marked}\n"


def _html(draft: Draft) -> str:
    own = "<br>".join(escape(line) for line in draft.text.strip().splitlines())
    if draft.program == "thunderbird" or draft.away:
        return ""  # plain text, as its people like it
    if draft.answers is None:
        return f'<div dir="ltr">{own}</div>\n'
    found = _BODY.search(draft.answers.html)
    quoted = found.group(1) if found else escape(draft.answers.text).replace("\n", "<br>\n")
    introduction = escape(_introduction(draft, draft.answers))
    if draft.program == "outlook":
        lines = "<br>".join(f"<b>{label}:</b> {escape(value)}" for label, value in _header_block(draft, draft.answers))
        return (
            f'<html><body><div class="elementToProof">{own}</div><div id="appendonsend"></div>'
            '<hr style="display:inline-block;width:98%" tabindex="-1">'
            f'<div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif">{lines}</font><div>&nbsp;</div></div>'
            f"<div>{quoted}</div></body></html>\n"
        )
    if draft.program == "apple":
        return (
            f'<html><body style="overflow-wrap: break-word;">{own}<br><div><br><blockquote type="cite">'
            f'<div>{introduction}</div><br class="Apple-interchange-newline"><div>{quoted}</div>'
            "</blockquote></div><br></body></html>\n"
        )
    return (
        f'<div dir="ltr">{own}</div><br><div class="gmail_quote gmail_quote_container">'
        f'<div dir="ltr" class="gmail_attr">{introduction}<br></div><blockquote class="gmail_quote" '
        'style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">'
        f"{quoted}</blockquote></div>\n"
    )


def _introduction(draft: Draft, answered: Quoted) -> str:
    """The line above a quote."""
    at, language = answered.sent_at, draft.language
    writer = f"{answered.name} <{answered.address}>" if answered.name else f"<{answered.address}>"
    month, weekday = _MONTHS[language][at.month - 1], _DAYS[language][at.weekday()]
    if draft.program == "gmail":
        if language == "es":
            return f"El {weekday}, {at.day} {month} {at.year} a las {at:%H:%M}, {writer} escribió:"
        return f"On {weekday}, {month} {at.day}, {at.year} at {at:%I:%M %p} {writer} wrote:"
    if draft.program == "thunderbird":
        if language == "es":
            return f"El {at:%d/%m/%Y} a las {at:%H:%M}, {answered.name or answered.address} escribió:"
        return f"On {at:%d/%m/%Y} {at:%H:%M}, {answered.name or answered.address} wrote:"
    if language == "es":
        return f"El {at.day} {month} {at.year}, a las {at:%H:%M}, {writer} escribió:"
    return f"On {at.day} {month} {at.year}, at {at:%H:%M}, {writer} wrote:"


def _header_block(draft: Draft, answered: Quoted) -> list[tuple[str, str]]:
    """What Outlook puts above a quote."""
    at, language = answered.sent_at, draft.language
    when = f"{_DAYS[language][at.weekday()]}, {at.day} {_MONTHS[language][at.month - 1]} {at.year} {at:%H:%M}"
    values = (f"{answered.name} <{answered.address}>".strip(), when, answered.to, answered.subject)
    return list(zip(_LABELS[language], values, strict=True))


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(display_name=_one_line(name), username=local, domain=domain)


def _one_line(text: str) -> str:
    return " ".join(text.split())
