"""Which conversation a mail belongs to.

In this order: what it refers to (`In-Reply-To`, `References`, Outlook's `Thread-Index`), the signed token in an address
of ours, the ticket number in the subject; else it begins a new one. By none of them does a stranger enter: a sender who
takes no part in the conversation only claims to belong to it, which an agent sees and decides.

Pure: `lookups` says what must be looked up for a mail, `place` decides over what was found. Subjects alone never tie
two mails: two customers with the same subject stay two.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Rule(StrEnum):
    """By what a mail came to its conversation."""

    IN_REPLY_TO = "in_reply_to"
    REFERENCES = "references"
    THREAD_INDEX = "thread_index"
    TOKEN = "token"  # noqa: S105  # the rule's name, no secret
    TICKET_NUMBER = "ticket_number"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class ThreadHeaders:
    """What of a mail says where it belongs. Ids are without brackets; `sender` and `recipients` are addresses.

    `forged` says that the receiving server found the sender's address to be forged (DMARC failed): such a sender is a
    stranger, whatever address it shows.
    """

    sender: str
    subject: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    thread_index: str = ""
    thread_topic: str = ""
    recipients: tuple[str, ...] = ()
    forged: bool = False


@dataclass(frozen=True, slots=True)
class Lookups:
    """What a mail names, nearest first: message ids, the root of Outlook's thread (empty: none), conversations by
    tokens that are genuine, ticket numbers."""

    message_ids: tuple[str, ...]
    thread_root: str
    token_conversations: tuple[str, ...]
    ticket_numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What the store found: conversation ids by message id, by thread root, by ticket number; and for every
    conversation named there (and by a token) the addresses that take part in it, as the store has them."""

    by_message_id: Mapping[str, str] = field(default_factory=dict)
    by_thread_root: Mapping[str, str] = field(default_factory=dict)
    by_ticket_number: Mapping[int, str] = field(default_factory=dict)
    participants: Mapping[str, frozenset[str]] = field(default_factory=dict)
    thread_topics: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """A conversation that a stranger's mail names, and by which rule: shown to the agent, never acted upon."""

    conversation_id: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a mail goes: `conversation_id` is empty for a new conversation. `evidence` is what matched (a message id, a
    thread root, the token's conversation, a number), for the screen."""

    rule: Rule
    conversation_id: str = ""
    evidence: str = ""
    claims: tuple[Claim, ...] = ()


def lookups(headers: ThreadHeaders, secrets: Sequence[bytes], *, limit: int = 200) -> Lookups:
    """What to look up for a mail.

    Args:
        headers: the mail's.
        secrets: keys of our tokens, the newest first; older ones stay good for mails that are on their way.
        limit: at most so many message ids are looked up: the nearest, and the root of the thread.
    """
    nearest = (*headers.in_reply_to, *reversed(headers.references))
    ids = tuple(dict.fromkeys(one for given in nearest for one in _forms_of_id(given)))
    if len(ids) > limit:
        ids = (*ids[: limit - 1], ids[-1])
    tokens = (read_token(address, secrets) for address in headers.recipients)
    return Lookups(
        message_ids=ids,
        thread_root=thread_root(headers.thread_index),
        token_conversations=tuple(dict.fromkeys(one for one in tokens if one)),
        ticket_numbers=ticket_numbers(headers.subject),
    )


def place(headers: ThreadHeaders, named: Lookups, known: Known) -> Placement:
    """Where a mail goes, by the first rule that names a conversation its sender takes part in.

    Args:
        headers: the mail's.
        named: what `lookups` made of them.
        known: what the store found for it.
    """
    sender = normal_address(headers.sender)
    replied = {form for given in headers.in_reply_to for form in _forms_of_id(given)}
    candidates: list[tuple[Rule, str, str]] = []
    for one in named.message_ids:
        if one in known.by_message_id:
            rule = Rule.IN_REPLY_TO if one in replied else Rule.REFERENCES
            candidates.append((rule, known.by_message_id[one], one))
    by_root = known.by_thread_root.get(named.thread_root, "") if named.thread_root else ""
    # Outlook keeps the index when an old mail is used as a template for a new matter, but changes the topic with it.
    topic = known.thread_topics.get(by_root, "")
    if by_root and (not topic or not headers.thread_topic or bare_subject(topic) == bare_subject(headers.thread_topic)):
        candidates.append((Rule.THREAD_INDEX, by_root, named.thread_root))
    candidates += [(Rule.TOKEN, one, one) for one in named.token_conversations]
    candidates += [
        (Rule.TICKET_NUMBER, known.by_ticket_number[number], str(number))
        for number in named.ticket_numbers
        if number in known.by_ticket_number
    ]
    claims: dict[str, Claim] = {}
    for rule, conversation_id, evidence in candidates:
        members = {normal_address(address) for address in known.participants.get(conversation_id, frozenset())}
        if sender and sender in members and not headers.forged:
            return Placement(rule, conversation_id, evidence, tuple(claims.values()))
        claims.setdefault(conversation_id, Claim(conversation_id, rule))
    return Placement(Rule.NEW, claims=tuple(claims.values()))


# ---------------------------------------------------------------- message ids

_ID_TRIM = " \t\r\n<>\"'"


def _forms_of_id(given: str) -> tuple[str, ...]:
    """An id as it was given and as a gateway may have changed it: brackets doubled, quotes put around it, the local
    part's case kept but the domain's not."""
    bare = re.sub(r"\s+", "", given).strip(_ID_TRIM)
    if not bare or len(bare) > 998:
        return ()
    local, at, domain = bare.rpartition("@")
    lowered = f"{local}@{domain.lower()}" if at else bare
    return (bare,) if lowered == bare else (bare, lowered)


def thread_root(thread_index: str) -> str:
    """The root of Outlook's conversation index ([MS-OXOMSG] §2.2.1.3) as 32 hexadecimal digits; empty when it is none.

    The first block's 22 bytes are a version, five bytes of time and a GUID that all replies keep; each reply appends
    five bytes. Exchange is known to write the time anew, never the GUID.
    """
    cleaned = re.sub(r"[^A-Za-z0-9+/]", "", thread_index)[:4_000]
    if len(cleaned) % 4 == 1:
        cleaned = cleaned[:-1]
    try:
        raw = base64.b64decode(cleaned + "=" * (-len(cleaned) % 4))
    except (binascii.Error, ValueError):
        return ""
    return raw[6:22].hex() if len(raw) >= 22 else ""


# ---------------------------------------------------------------- addresses

_DOTLESS = frozenset(("gmail.com", "googlemail.com"))


def normal_address(address: str) -> str:
    """An address for comparison: lower case; for Gmail, which delivers them all to one mailbox, without dots and tags.

    Other hosts' tags stay: there `ana+shop` and `ana` may be two people.
    """
    local, at, domain = address.strip().strip("<>").lower().rpartition("@")
    if not at or not local:
        return ""
    domain = domain.rstrip(".")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            return f"{local}@{domain}"
    if domain in _DOTLESS:
        return f"{local.partition('+')[0].replace('.', '')}@gmail.com"
    return f"{local}@{domain}"


# ---------------------------------------------------------------- tokens

_MARK = "c"
_SIGNATURE = 16  # characters of base32: 80 bits, checked against every key; guessing means one mail a try
_TOKEN = re.compile(rf"{_MARK}([0-9a-z]{{1,40}})-([a-z2-7]{{{_SIGNATURE}}})")
_LOCAL_LIMIT = 64  # RFC 5321 §4.5.3.1.1


def _signature(conversation_id: str, secret: bytes) -> str:
    digest = hmac.new(secret, b"mail-reply:" + conversation_id.lower().encode("ascii"), hashlib.sha256).digest()
    return base64.b32encode(digest).decode("ascii").lower()[:_SIGNATURE]


def reply_token(conversation_id: str, secret: bytes) -> str:
    """The tag that brings replies back to a conversation: letters, digits and a hyphen, in lower case, since servers on
    the way change the case of local parts.

    Raises ValueError for an id that is not made of ASCII letters and digits, or too long to go into an address.
    """
    if re.fullmatch(r"[0-9A-Za-z]{1,40}", conversation_id) is None:
        raise ValueError("conversation_id must be 1 to 40 letters and digits")
    return f"{_MARK}{conversation_id.lower()}-{_signature(conversation_id, secret)}"


def reply_address(mailbox: str, conversation_id: str, secret: bytes, *, separator: str = "+") -> str:
    """A mailbox's address with a conversation's token, such as `help+c01h…-abc@shop.example`.

    Args:
        mailbox: the inbox's own address.
        conversation_id: whose replies come back.
        secret: the key of the tokens.
        separator: what the mail server cuts tags at (RFC 5233): `+`, on some hosts `-` or `=`.

    Returns:
        The address; the mailbox as it is where the tag would make its local part longer than 64 characters.

    Raises:
        ValueError: the mailbox is no address, or the id does not fit a token.
    """
    local, at, domain = mailbox.strip().rpartition("@")
    if not at or not local or not domain:
        raise ValueError("mailbox must be an address")
    tagged = f"{local}{separator}{reply_token(conversation_id, secret)}"
    return f"{tagged}@{domain}" if len(tagged) <= _LOCAL_LIMIT else mailbox.strip()


def read_token(address: str, secrets: Iterable[bytes]) -> str:
    """The conversation whose genuine token is in an address, in upper case as our ids are; empty when there is none."""
    local = address.strip().strip("<>").lower().rpartition("@")[0][-200:]
    for match in _TOKEN.finditer(local):
        conversation_id, signature = match.groups()
        for secret in secrets:
            if hmac.compare_digest(signature, _signature(conversation_id, secret)):
                return conversation_id.upper()
    return ""


# ---------------------------------------------------------------- subjects

# What clients put before the subject of a reply or a forwarded mail: reply, forward, and the like, by language.
_PREFIXES = (
    *("re", "reply", "fw", "fwd"),  # English, and what most clients send whatever their language
    *("rv", "res", "rép", "resp", "respuesta", "reenv", "reenviado", "enc", "encam"),  # Spanish, Portuguese
    *("aw", "antw", "antwort", "wg", "wtr", "doorst", "betr"),  # German, Dutch
    *("tr", "rif", "i", "r", "inol"),  # French, Italian
    *("sv", "vs", "svar", "vb", "vl", "fs"),  # Danish, Norwegian, Swedish, Finnish, Icelandic
    *("odp", "odpowiedź", "pd", "přep", "preposlané"),  # Polish, Czech, Slovak
    *("vá", "továbbítás", "továbbítva", "ynt", "ilt", "yan", "yanıt"),  # Hungarian, Turkish
    *("răsp", "rasp", "απ", "σχετ", "πρθ"),  # Romanian, Greek
    *("отв", "ответ", "ha", "на", "пересл", "нa", "вiдп", "відп", "прп"),  # Russian, Ukrainian, Bulgarian
    *(
        "回复",
        "回覆",
        "答复",
        "转发",
        "轉寄",
        "轉發",
        "返信",
        "転送",
        "회신",
        "답장",
        "전달",
        "re转发",
    ),  # Chinese, Japanese, Korean
    *("رد", "إعادة توجيه", "השב", "תשובה", "הועבר", "trả lời", "tl", "chuyển tiếp", "bls", "trs", "ตอบ", "ส่งต่อ"),
    *("atb", "pārs", "ats", "odg", "proslijeđeno", "prosl", "vast", "edasi"),
    *("respòs", "reexp", "erantz", "bidali", "automatic reply", "respuesta automática", "automatische antwort"),
)
_PREFIX = re.compile(
    r"(?:\s*(?:"
    + "|".join(re.escape(word) for word in sorted(_PREFIXES, key=len, reverse=True))
    + r")(?:\s?[\[(^]?\d{1,3}[\])]?)?\s*[:：﹕]|\s*\[(?:external|extern|externo|ext|spam|fwd|sospechoso)\])\s*",
    re.IGNORECASE,
)
_SUBJECT = 1_000


def bare_subject(subject: str) -> str:
    """A subject without the prefixes of replies and forwards, in one case and with single spaces, for comparison."""
    text = re.sub(r"\s+", " ", subject[:_SUBJECT]).strip()
    while True:
        match = _PREFIX.match(text)
        if match is None or match.end() == 0:
            return text.casefold()
        text = text[match.end() :]


def without_prefixes(subject: str) -> str:
    """A subject as its writer wrote it, without the prefixes of replies and forwards."""
    text = re.sub(r"\s+", " ", subject[:_SUBJECT]).strip()
    while (match := _PREFIX.match(text)) is not None and match.end() > 0:
        text = text[match.end() :]
    return text


# The forms in which our own numbers go out and come back: `[#1234]`, and named in words, as people type them. A bare
# `#1234` is as often an order number.
_NUMBER = re.compile(
    r"[\[(［【（]\s*(?:[^\W\d_][^\W\d_ -]{0,30}\s*)?[#＃№]\s*(\d{1,12})\s*[\])］】）]"
    r"|\b(?:ticket|case|incidencia|caso|solicitud|consulta|conversaci[óo]n|tiquet|anfrage|vorgang|demande|"
    r"richiesta|zaak|"
    r"ärende|sag|sak|zgłoszenie|заявка|обращение)\s*(?:n[.º°o]{1,2}|nr\.?|no\.?|number|número|"
    r"numero)?\s*[#＃№:]\s*(\d{1,12})\b",
    re.IGNORECASE,
)


_MARKS = re.compile(r"\s*\[#\d{1,12}\]")


def subject_mark(ticket_number: int) -> str:
    """How a conversation's number stands in the subject of our mails."""
    return f"[#{ticket_number}]"


def reply_subject(subject: str, ticket_number: int, *, answers: bool) -> str:
    """The subject of a mail of ours: what the conversation began with, and its number.

    Args:
        subject: the conversation's, with any prefixes; may be empty.
        ticket_number: by which an answer finds back where its client drops every reference.
        answers: a mail before it; else it begins the thread.
    """
    # Ours alone: the number of another conversation, which a stranger named, would lead the answers there.
    plain = f"{_MARKS.sub('', without_prefixes(subject))} {subject_mark(ticket_number)}".strip()
    return f"Re: {plain}" if answers else plain


def ticket_numbers(subject: str) -> tuple[int, ...]:
    """The ticket numbers that a subject names, in order. Digits of any script count; at most five are taken."""
    found = (int(first or second) for first, second in _NUMBER.findall(subject[:_SUBJECT]))
    return tuple(dict.fromkeys(number for number in found if number))[:5]
