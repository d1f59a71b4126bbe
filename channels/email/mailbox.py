"""E-mail: a mailbox over IMAP, or mail that a server forwards to ours; answers over SMTP.

Settings of the inbox (docs/email.md explains each):

    {"address": "help@shop.example", "name": "Shop", "aliases": ["info@shop.example"],
     "imap": {"host", "port", "security", "username", "folders", "begin", "poll"},
     "smtp": {"host", "port", "security", "username"},
     "oauth": {"provider": "google" | "microsoft", "client_id", "tenant", "username"},
     "signature": "{agent}\\nShop", "dkim": {"domain", "selector"}, "tag_separator": "+",
     "trusted_hosts": ["mx.shop.example"], "spam": "aside" | "take", "blocked": ["*@spam.example"]}

Secrets: `password` (IMAP and SMTP), `smtp_password` where that differs, `client_secret`, `refresh_token`, `dkim_key`.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any, Literal, TypeVar, cast

from imapclient import IMAPClient

from channels.email import compose, gateways, imap, oauth, smtp
from channels.email.headers import MailAddress
from channels.email.html import clean_html
from channels.email.mime import Mail, Unparsed, parse_mail
from channels.email.reply_text import reply_text
from channels.email.robots import bounces, complaint, robot, spam_verdict
from hub.domain.errors import BadSignature, ChannelError, Refused
from hub.domain.inbox import AccountState
from hub.domain.mail_threading import (
    ThreadHeaders,
    lookups,
    normal_address,
    reply_address,
    reply_subject,
)
from hub.domain.messages import (
    ACCEPTED,
    Address,
    Delivery,
    DeliveryUpdate,
    InboundFile,
    InboundMessage,
    Letter,
    OutboundMessage,
    Parsed,
    Receipt,
    SetAside,
    WebhookRequest,
)
from hub.ports import Capabilities, ChannelParts, Clock, Line, Lying

CHANNEL = "email"
TEXT_LIMIT = 200_000
ATTACHMENT_LIMIT = 20 * 1024 * 1024  # what most servers still take once it is in base64
MEDIA_TYPES = (
    *("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain"),
    *("application/zip", "application/msword", "application/vnd.ms-excel"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
# Who cannot be read of a mail that cannot be read. RFC 2606 keeps the name free for ever.
NOBODY = "unreadable@mail.invalid"
_Value = TypeVar("_Value")
_HALF = re.compile("[\ud800-\udfff]")
_OURS = re.compile(r"([0-9A-Z]{26})@(.+)")
_NO_REPLY = re.compile(r"(?:^|[._+-])(?:no|do-?not)[._-]?(?:reply|responder)", re.IGNORECASE)
_LANGUAGE = re.compile(r"[a-z]{2}(?=$|[-_,;\s])")


def channel(parts: ChannelParts) -> Mailbox:
    """The mailbox of an inbox. Raises Refused, naming the setting."""
    return Mailbox(_read(parts), parts.clock, parts.read_file)


@dataclass(frozen=True, slots=True)
class Configuration:
    """An inbox's settings, read. `token_keys` sign the tags of reply addresses, the first one new ones."""

    address: str
    name: str
    aliases: frozenset[str]
    token_keys: tuple[bytes, ...]
    fetch: imap.ImapAccount | None
    submit: smtp.SmtpAccount | None
    signature: str
    dkim: compose.DkimKey | None
    tag_separator: str
    trusted_hosts: tuple[str, ...]
    holds_spam: bool
    blocked: tuple[str, ...]


class Mailbox:
    """`hub.ports.Channel` and `hub.ports.Listener`."""

    def __init__(self, configuration: Configuration, clock: Clock, read_file: Callable[[str], bytes]) -> None:
        self._configuration = configuration
        self._clock = clock
        self._read_file = read_file

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            channel=CHANNEL,
            text_limit=TEXT_LIMIT,
            attachments=True,
            attachment_limit=ATTACHMENT_LIMIT,
            media_types=MEDIA_TYPES,
            keeps_source=True,
            letters=True,
            changeable=False,
            typed_choices=False,
        )

    def verify(self, request: WebhookRequest) -> None:  # noqa: ARG002  # whatever it is
        """Mail is fetched, or handed over by a mail server; nobody may post it. Always raises BadSignature."""
        raise BadSignature("an inbox of the channel email has no webhook")

    def owns(self, address: str) -> bool:
        """Whether mail to this address is for this inbox: its own address or an alias, with any tag."""
        local, _, domain = address.strip().lower().rpartition("@")
        plain = f"{local.split(self._configuration.tag_separator)[0]}@{domain}"
        return plain in self._configuration.aliases or address.strip().lower() in self._configuration.aliases

    def account(self) -> AccountState:
        """Signs in to the server that mail is fetched from and to the one it is handed to."""
        configuration = self._configuration
        ways = []
        if configuration.fetch is not None:
            with imap.connect(configuration.fetch) as client:
                client.select_folder(configuration.fetch.folders[0], readonly=True)
            ways.append("IMAP")
        if configuration.submit is not None:
            smtp.greet(configuration.submit)
            ways.append("SMTP")
        return AccountState(" · ".join((configuration.address, *ways)))

    def parse_inbound(self, request: WebhookRequest) -> Parsed:
        """One mail, raw, in the request's body. Never refuses: what cannot be read is shown as such."""
        mail = parse_mail(request.body)
        if isinstance(mail, Unparsed):
            return Parsed((_storable(_unreadable(mail)),))
        if ACCEPTED not in request.headers:
            held = self._held_back(mail)
            if held is not None:
                return Parsed(set_aside=(_storable(held),))
        reports = tuple(_reports(mail))
        if reports:
            # By a gateway's id nobody can tell here whether the mail was ours.
            sure = any(each.message_id for each in reports)
            unless_ours = None if sure else _storable(self._message(mail, request))
            return Parsed(tuple(map(_storable, reports)), unless_ours=unless_ours)
        return Parsed((_storable(self._message(mail, request)),))

    def _held_back(self, mail: Mail) -> SetAside | None:
        """Why a mail is not let in; None where it is."""
        sender = mail.author.address.lower() if mail.author else ""
        for pattern in self._configuration.blocked:
            if fnmatchcase(sender, pattern):
                return SetAside("from", f"is blocked by {pattern}", mail.raw, sender, mail.subject)
        verdict = spam_verdict(mail, trusted_hosts=self._configuration.trusted_hosts)
        if verdict.spam and self._configuration.holds_spam:
            return SetAside("spam", verdict.reason, mail.raw, sender, mail.subject)
        return None

    def _message(self, mail: Mail, request: WebhookRequest) -> InboundMessage:
        writer = self._writer(mail)
        own = reply_text(mail.text, mail.html)
        whole = mail.body_text()
        text = own.own_text.strip() or whole.strip()
        if mail.calendar:
            text = "\n\n".join((text, *mail.calendar)).strip()
        too_large = request.headers.get(imap.TOO_LARGE)
        if too_large:
            text = f"[{int(too_large) // 1_048_576} MB: the mail was left in the mailbox, only its headers were read]"
        if not text and "smime-encrypted" in mail.protection:
            text = "[encrypted (S/MIME): download the source to read it]"
        if not text and not mail.parts:
            text = mail.subject or "[empty]"
        verdict = spam_verdict(mail, trusted_hosts=self._configuration.trusted_hosts)
        headers = ThreadHeaders(
            sender=writer.address,
            subject=mail.subject,
            in_reply_to=mail.in_reply_to,
            references=mail.references,
            thread_index=mail.thread_index,
            thread_topic=mail.thread_topic,
            recipients=tuple(each.address for each in (*mail.to, *mail.cc, *mail.delivered_to))[:1000],
            forged=verdict.dmarc == "fail",
        )
        cleaned = clean_html(mail.html, mail.content_ids) if mail.html else None
        shown_inside = set(mail.content_ids.values())
        language = _LANGUAGE.match(mail.header("content-language").strip().lower())
        kind = robot(mail)
        return InboundMessage(
            external_id=_identifier(mail),
            address=Address(CHANNEL, writer.address, display_name=writer.name),
            text=text[:TEXT_LIMIT],
            language=language.group() if language else "",
            sent_at=int(mail.date.timestamp() * 1_000_000) if mail.date else None,
            files=tuple(
                InboundFile(part.name, part.media_type, part.content, part.inline or index in shown_inside)
                for index, part in enumerate(mail.parts)
            ),
            letter=Letter(
                subject=mail.subject,
                message_ids=mail.message_ids,
                headers=headers,
                named=lookups(headers, self._configuration.token_keys),
                whole=whole[:TEXT_LIMIT],
                html=cleaned.html if cleaned else "",
                robot=kind.kind if kind.certain else "",
                copies=tuple(each.address for each in (*mail.to, *mail.cc)[:50] if not self.owns(each.address)),
                notes=(*mail.notes, *(cleaned.notes if cleaned else ())),
            ),
        )

    def _writer(self, mail: Mail) -> MailAddress:
        """Who is to be answered. A form on the firm's pages sends as the firm and names the customer in Reply-To."""
        author = mail.author
        others = [each for each in mail.reply_to if "@" in each.address and not self.owns(each.address)]
        if author is None or "@" not in author.address:
            return others[0] if others else MailAddress(NOBODY, author.name if author else "")
        if others and (self.owns(author.address) or _NO_REPLY.search(author.address)):
            return others[0]
        return MailAddress(normal_address(author.address) or author.address, author.name)

    def send(self, message: OutboundMessage) -> Receipt:
        submit = self._configuration.submit
        if submit is None:
            raise ChannelError("no_smtp", "this inbox has no server to send through", permanent=True)
        if not compose.is_address(message.address.value):
            raise ChannelError("bad_address", f"{message.address.value!r} cannot be written to", permanent=True)
        if len(message.text) > TEXT_LIMIT:
            raise ChannelError("too_long", f"a mail may have {TEXT_LIMIT} characters", permanent=True)
        if message.letter is None:
            raise ChannelError("no_letter", "a mail needs a subject", permanent=True)
        raw = compose.compose(self._outgoing(message), self._configuration.dkim)
        words = smtp.send(submit, raw, sender=self._configuration.address, recipients=[message.address.value])
        ours = f"{message.message_id}@{self._domain}"
        given = tuple(each for each in gateways.ids_given(submit.host, words) if each.lower() != ours.lower())
        return Receipt(ours, Delivery.SENT, letter_ids=given)

    @property
    def _domain(self) -> str:
        return self._configuration.address.rpartition("@")[2]

    def _outgoing(self, message: OutboundMessage) -> compose.OutgoingMail:
        configuration, letter = self._configuration, message.letter
        assert letter is not None  # noqa: S101  # asked before
        signature = configuration.signature.replace("{agent}", letter.author).strip() if letter.author else ""
        return compose.OutgoingMail(
            message_id=f"{message.message_id}@{self._domain}",
            sent_at=datetime.fromtimestamp(self._clock.now() / 1_000_000, UTC),
            sender=(
                f"{letter.author} ({configuration.name})"
                if letter.author and configuration.name
                else letter.author or configuration.name,
                configuration.address,
            ),
            to=(message.address.display_name, message.address.value),
            subject=reply_subject(letter.subject, letter.ticket_number, answers=bool(letter.references)),
            text=message.text,
            signature=signature,
            reply_to=reply_address(
                configuration.address,
                message.conversation_id,
                configuration.token_keys[0],
                separator=configuration.tag_separator,
            ),
            references=letter.references,
            files=tuple(
                compose.OutgoingFile(each.name, each.media_type, self._read_file(each.attachment_id))
                for each in message.attachments
            ),
            automatic=not letter.author,
        )

    def listen(self, line: Line) -> None:
        """Reads the mailbox; where the inbox has none (its mail is forwarded to us) there is nothing to do."""
        if self._configuration.fetch is None:
            line.seen()
            line.wait(3600)
            return
        imap.listen(self._configuration.fetch, line)

    def inventory(self, memory: str) -> Iterable[Lying]:
        """Everything that lies in the mailbox now, for a listener with this memory. Raises ChannelError."""
        return imap.inventory(self._configuration.fetch, memory) if self._configuration.fetch else ()


def _storable(value: _Value) -> _Value:
    """The same with every text in it as databases can hold it: no NUL, and no byte that no charset explained."""
    if isinstance(value, str):
        if "\0" not in value and not _HALF.search(value):
            return value
        return cast(_Value, _HALF.sub("\ufffd", value.replace("\0", "")))
    if isinstance(value, tuple):
        return cast(_Value, tuple(map(_storable, value)))
    if is_dataclass(value) and not isinstance(value, type):
        changed = {each.name: _storable(getattr(value, each.name)) for each in fields(value)}
        return cast(_Value, replace(value, **changed))
    return value


def _identifier(mail: Mail) -> str:
    """The same for every copy of a mail and for no other: there are programs that give all theirs one Message-ID."""
    told = "\0".join((mail.message_id, mail.author.address if mail.author else "", mail.header("date")))
    return f"{mail.message_id[:200]}#{sha256(told.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _unreadable(unparsed: Unparsed) -> InboundMessage:
    digest = sha256(unparsed.raw).hexdigest()
    headers = ThreadHeaders(sender="")
    return InboundMessage(
        external_id=f"unreadable#{digest[:40]}",
        address=Address(CHANNEL, NOBODY),
        text=f"[{unparsed.reason}]",
        letter=Letter(
            subject="",
            message_ids=(f"{digest[:40]}@unreadable.invalid",),
            headers=headers,
            named=lookups(headers, ()),
            robot="unreadable",
            notes=(unparsed.reason,),
        ),
    )


def _reports(mail: Mail) -> Iterable[DeliveryUpdate]:
    """What a bounce says of messages of ours. A bounce of something else is a mail like any."""
    for bounce in bounces(mail):
        named = _named(bounce.original_message_id)
        if not named:
            continue
        state = {"failed": Delivery.FAILED, "delivered": Delivery.DELIVERED}.get(bounce.action, Delivery.SENT)
        yield DeliveryUpdate(
            state,
            provider_id=named[0],
            message_id=named[1],
            error_code=(bounce.status or "bounced") if state is Delivery.FAILED else "",
            error_text=bounce.diagnostic if state is Delivery.FAILED else "",
        )
    reported = complaint(mail)
    named = _named(reported.original_message_id) if reported else None
    if named:
        yield DeliveryUpdate(Delivery.DELIVERED, *named, error_code="complaint", error_text="called spam")


def _named(original_message_id: str) -> tuple[str, str] | None:
    """(id that a gateway may have given, our own id) of the mail that a report is about, one of them empty; None where
    it can be none of ours."""
    ours = _OURS.fullmatch(original_message_id.upper())
    if ours is not None:
        return "", ours.group(1)
    return (original_message_id, "") if gateways.may_be_given(original_message_id) else None


# ---------------------------------------------------------------- settings


def _read(parts: ChannelParts) -> Configuration:
    settings, secrets = parts.inbox.settings, parts.secrets
    address = _text(settings, "address").lower()
    if not compose.is_address(address):
        raise Refused("settings.address", "must be an e-mail address")
    aliases = [each.lower() for each in _texts(settings, "aliases")]
    for alias in aliases:
        if not compose.is_address(alias):
            raise Refused("settings.aliases", f"must be e-mail addresses, which {alias!r} is not")
    provider, tokens = _tokens(settings, secrets, parts)
    username = _text(_section(settings, "oauth"), "username") or address
    key = secrets.get("dkim_key", "")
    dkim = _section(settings, "dkim")
    if bool(key) != bool(dkim):
        raise Refused("settings.dkim", "must come with the secret dkim_key, and the reverse")
    return Configuration(
        address=address,
        name=_text(settings, "name"),
        aliases=frozenset({address, *aliases}),
        token_keys=(parts.derive("mail reply tokens"),),
        fetch=_fetch(settings, secrets, provider, tokens, username),
        submit=_submit(settings, secrets, provider, tokens, username),
        signature=_text(settings, "signature"),
        dkim=compose.DkimKey(_text(dkim, "domain"), _text(dkim, "selector"), key.encode()) if key else None,
        tag_separator=_text(settings, "tag_separator") or "+",
        trusted_hosts=tuple(_texts(settings, "trusted_hosts")),
        holds_spam=_one_of(settings, "spam", ("aside", "take")) == "aside",
        blocked=tuple(each.lower() for each in _texts(settings, "blocked")),
    )


def _tokens(
    settings: Mapping[str, Any], secrets: Mapping[str, str], parts: ChannelParts
) -> tuple[oauth.Provider | None, oauth.Tokens | None]:
    section = _section(settings, "oauth")
    if not section:
        return None, None
    name = _one_of(section, "provider", tuple(oauth.PROVIDERS))
    provider = oauth.PROVIDERS[name]
    if not secrets.get("refresh_token"):
        raise Refused("secrets.refresh_token", "must be there where the inbox signs in with OAuth")
    url = _text(section, "token_url") or provider.token_url.format(tenant=_text(section, "tenant") or "common")
    return provider, oauth.Tokens(
        token_url=url,
        client_id=_text(section, "client_id"),
        client_secret=secrets.get("client_secret", ""),
        refresh_token=secrets["refresh_token"],
        scope=provider.scope,
        clock=parts.clock,
        keep=lambda token: parts.keep_secret("refresh_token", token),
    )


def _fetch(
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
    provider: oauth.Provider | None,
    tokens: oauth.Tokens | None,
    username: str,
) -> imap.ImapAccount | None:
    section = _section(settings, "imap")
    if not section and provider is None:
        return None
    host, port = provider.imap if provider else ("", 993)

    def sign_in(client: IMAPClient) -> None:
        if tokens is not None:
            client.oauth2_login(username, tokens.access_token())
        else:
            client.login(_text(section, "username") or username, secrets.get("password", ""))

    security = _security(section, "tls", "settings.imap")
    return imap.ImapAccount(
        host=_text(section, "host") or host or _missing("settings.imap.host"),
        port=_port(section, port, "settings.imap.port"),
        security=security,
        sign_in=sign_in,
        folders=tuple(_texts(section, "folders")) or ("INBOX",),
        begin=cast(Literal["new", "all"], _one_of(section, "begin", ("new", "all"))),
        poll=float(section.get("poll", 30.0)),
    )


def _submit(
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
    provider: oauth.Provider | None,
    tokens: oauth.Tokens | None,
    username: str,
) -> smtp.SmtpAccount | None:
    section = _section(settings, "smtp")
    if not section and provider is None:
        return None
    host, port = provider.smtp if provider else ("", 587)
    password = secrets.get("smtp_password") or secrets.get("password", "")

    def sign_in(client: smtplib.SMTP) -> None:
        if tokens is not None:
            # The SASL mechanism XOAUTH2, which both providers document; the standard library has no name for it.
            told = f"user={username}\1auth=Bearer {tokens.access_token()}\1\1"
            client.auth("XOAUTH2", lambda challenge=None: told if challenge is None else "", initial_response_ok=True)
        else:
            client.login(_text(section, "username") or username, password)

    return smtp.SmtpAccount(
        host=_text(section, "host") or host or _missing("settings.smtp.host"),
        port=_port(section, port, "settings.smtp.port"),
        security=_security(section, "starttls", "settings.smtp"),
        sign_in=sign_in if tokens is not None or password else None,
    )


def _section(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = settings.get(name) or {}
    if not isinstance(section, Mapping):
        raise Refused(f"settings.{name}", "must be an object")
    return section


def _text(settings: Mapping[str, Any], name: str) -> str:
    value = settings.get(name, "")
    if not isinstance(value, str):
        raise Refused(f"settings.{name}", "must be text")
    return value.strip()


def _texts(settings: Mapping[str, Any], name: str) -> list[str]:
    value = settings.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Refused(f"settings.{name}", "must be a list of texts")
    return [each.strip() for each in value if each.strip()]


def _one_of(settings: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = settings.get(name, choices[0])
    if value not in choices:
        raise Refused(f"settings.{name}", f"must be one of {', '.join(choices)}")
    return str(value)


def _port(section: Mapping[str, Any], default: int, field: str) -> int:
    value = section.get("port", default)
    if not isinstance(value, int) or not 0 < value < 65536:
        raise Refused(field, "must be a port, 1 to 65535")
    return value


def _security(section: Mapping[str, Any], default: str, field: str) -> Literal["tls", "starttls", "none"]:
    value = section.get("security", default)
    if value not in ("tls", "starttls", "none"):
        raise Refused(f"{field}.security", "must be one of tls, starttls, none")
    if value == "none" and _text(section, "host") not in ("127.0.0.1", "::1", "localhost"):
        raise Refused(f"{field}.security", "may be none on this machine only: passwords would travel in the open")
    return cast(Literal["tls", "starttls", "none"], value)


def _missing(field: str) -> str:
    raise Refused(field, "must be there")
