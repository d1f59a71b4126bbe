"""A mail as it leaves: headers that threads hold together by, text and HTML, files, and a DKIM signature if wanted.

Built with the standard library's `email` package (RFC 5322, RFC 2045 to 2049); signed with dkimpy (RFC 6376).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

import dkim

# RFC 5322 §2.1.1 limits a line, not a list; clients cut References from the middle once they grow, so do we.
REFERENCES = 20
SIGNED_HEADERS = (
    b"from", b"to", b"subject", b"date", b"message-id", b"in-reply-to", b"references", b"reply-to", b"mime-version",
    b"content-type", b"list-unsubscribe", b"list-unsubscribe-post", b"auto-submitted",
)  # fmt: skip
_POLICY = SMTP.clone(max_line_length=78)
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\\\"@]{1,64}@[^\s<>()\[\],;:\\\"@]{1,255}")
_LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]']")


@dataclass(frozen=True, slots=True)
class OutgoingFile:
    """A file that goes along; one with a `content_id` may be shown inside the HTML."""

    name: str
    media_type: str
    content: bytes = field(repr=False)
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """What a mail is made from. Ids are without brackets.

    `references` lists the ids of the thread, oldest first; the last one is what this answers. `automatic` marks what no
    person wrote (RFC 3834). `unsubscribe` is an https address that takes the reader off the list by itself (RFC 8058).
    """

    message_id: str
    sent_at: datetime
    sender: tuple[str, str]
    to: tuple[str, str]
    subject: str
    text: str
    signature: str = ""
    reply_to: str = ""
    references: Sequence[str] = ()
    files: Sequence[OutgoingFile] = ()
    automatic: bool = False
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True)
class DkimKey:
    """`private` is an RSA or Ed25519 key in PEM; the public half stands in DNS at `<selector>._domainkey.<domain>`."""

    domain: str
    selector: str
    private: bytes = field(repr=False)


def compose(mail: OutgoingMail, key: DkimKey | None = None) -> bytes:
    """The whole mail, lines ended by CRLF. Raises ValueError for an address that is none."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = _address(*mail.sender)
    message["To"] = _address(*mail.to)
    message["Subject"] = _one_line(mail.subject)
    message["Date"] = format_datetime(mail.sent_at)
    message["Message-ID"] = _bracketed(mail.message_id)
    if mail.reply_to:
        message["Reply-To"] = _address(mail.sender[0], mail.reply_to)
    references = _shortened(mail.references)
    if references:
        message["In-Reply-To"] = _bracketed(references[-1])
        message["References"] = " ".join(map(_bracketed, references))
    if mail.automatic:
        message["Auto-Submitted"] = "auto-replied"
        # Microsoft's way of asking for the same (MS-OXCMAIL §2.2.3.2.14).
        message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    if mail.unsubscribe:
        message["List-Unsubscribe"] = f"<{_one_line(mail.unsubscribe)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    plain = f"{mail.text.rstrip()}\n"
    if mail.signature:
        plain += f"\n-- \n{mail.signature.rstrip()}\n"
    message.set_content(plain, cte=None if plain.isascii() and _short_lines(plain) else "quoted-printable")
    message.add_alternative(html_of(mail.text, mail.signature), subtype="html", cte="quoted-printable")
    for file in mail.files:
        maintype, _, subtype = file.media_type.partition("/")
        if file.content_id:
            html = message.get_body(("html",))
            if html is None:  # there is one: it was put in above
                raise ValueError("a mail without a body")
            html.add_related(
                file.content, maintype, subtype, cid=_bracketed(file.content_id), filename=_one_line(file.name)
            )
        elif maintype == "message":  # a mail within a mail is never encoded by the library's rules
            message.add_attachment(file.content, "application", "octet-stream", filename=_one_line(file.name))
        else:
            message.add_attachment(file.content, maintype, subtype, filename=_one_line(file.name))
    raw = message.as_bytes()
    return raw if key is None else _signed(raw, key)


def html_of(text: str, signature: str = "") -> str:
    """Plain text as modest HTML: paragraphs, line breaks, links that lead where they say."""
    body = "".join(
        f"<p>{_linked(paragraph)}</p>" for paragraph in re.split(r"\n{2,}", text.strip().replace("\r\n", "\n"))
    )
    end = f'<p style="color:#666">-- <br>{_linked(signature.strip())}</p>' if signature.strip() else ""
    return f'<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>{body}{end}</body></html>\n'


def is_address(text: str) -> bool:
    """Whether this can stand in an envelope: one `@`, nothing that needs quoting."""
    return bool(_ADDRESS.fullmatch(text))


def _linked(text: str) -> str:
    parts: list[str] = []
    end = 0
    for found in _LINK.finditer(text):
        link = escape(found.group())
        parts += [escape(text[end : found.start()]), f'<a href="{link}">{link}</a>']
        end = found.end()
    return "".join([*parts, escape(text[end:])]).replace("\n", "<br>\n")


def _address(name: str, address: str) -> MailAddress:
    if not is_address(address):
        raise ValueError(f"{address!r} is no address")
    local, _, domain = address.rpartition("@")
    return MailAddress(display_name=_one_line(name), username=local, domain=domain)


def _one_line(text: str) -> str:
    """Without anything that could begin another header."""
    return " ".join("".join(" " if each < " " or each in "\x7f\x85\u2028\u2029" else each for each in text).split())


def _bracketed(identifier: str) -> str:
    return "<" + re.sub(r"[\s<>\x00-\x1f\x7f-\x9f]", "", identifier) + ">"


def _shortened(references: Sequence[str]) -> list[str]:
    """The first and the last ones: the first names the thread, the last what is answered."""
    kept = [each for each in references if each]
    return kept if len(kept) <= REFERENCES else [kept[0], *kept[-(REFERENCES - 1) :]]


def _short_lines(text: str) -> bool:
    return all(len(line) <= 990 for line in text.splitlines())


def _signed(raw: bytes, key: DkimKey) -> bytes:
    ed25519 = b"PRIVATE KEY" in key.private and b"RSA" not in key.private and len(key.private) < 400
    signature: bytes = dkim.sign(
        raw,
        key.selector.encode(),
        key.domain.encode(),
        key.private,
        signature_algorithm=b"ed25519-sha256" if ed25519 else b"rsa-sha256",
        include_headers=[name for name in SIGNED_HEADERS if re.search(rb"(?mi)^" + name + rb":", raw)],
    )
    return signature + raw
