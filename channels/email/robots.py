"""Mails that no person wrote: automatic replies, lists, bounces, receipts, complaints; and what servers say of spam.

Headers decide. A subject or a sender's name alone is weak evidence, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import compat32

from flufl.bounce import all_failures

from channels.email.charsets import decode
from channels.email.headers import message_ids
from channels.email.mime import Mail, MailPart

_SCANNED = 300_000  # bytes or characters of a mail that are searched for what a server wrote into its text


@dataclass(frozen=True, slots=True)
class Robot:
    """What kind of mail this is: `bounce`, `complaint`, `receipt`, `out_of_office`, `auto_reply`, `automatic` (from a
    program, but no answer), `list`, or empty for a person's.

    `certain` is false where only words speak for it. `evidence` names the header or the words. Whatever the kind, a
    program must not answer such a mail.
    """

    kind: str = ""
    certain: bool = False
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Bounce:
    """A message of ours that did not reach one recipient (RFC 3464, or what servers send instead).

    `action` is `failed`, `delayed`, `delivered`, `relayed` or `expanded`; `status` an enhanced status code (RFC 3463),
    made from the SMTP code where only that is there; `diagnostic` what the other server said, cut at 1,000 characters.
    Ids and addresses are without brackets and may be empty.
    """

    recipient: str
    status: str
    action: str
    diagnostic: str
    original_message_id: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """A feedback report (ARF, RFC 5965): a recipient called a message of ours spam."""

    kind: str
    recipient: str
    original_message_id: str


@dataclass(frozen=True, slots=True)
class SpamVerdict:
    """What the receiving servers wrote. `spf`, `dkim` and `dmarc` are their words (`pass`, `fail`, …) or `none`."""

    spam: bool
    reason: str
    spf: str = "none"
    dkim: str = "none"
    dmarc: str = "none"


# ---------------------------------------------------------------- who is a robot

_OUT_OF_OFFICE = re.compile(
    r"out of (?:the )?office|\booo\b|on (?:vacation|holiday|leave)|away from (?:the office|my (?:desk|mail))|"
    r"fuera de (?:la )?"
    r"oficina|de vacaciones|ausen(?:te|cia)|fora do escrit[óo]rio|f[ée]rias|fora de l.oficina|abwesen(?:d|"
    r"heit)|nicht im b[üu]ro|"
    r"absen(?:ce|t)\b.{0,20}(?:bureau|cong[ée])?|en cong[ée]s?|fuori (?:ufficio|sede)|assen(?:te|za)|afwezig|"
    r"niet aanwezig|"
    r"ikke p[åa] kontoret|frav[æa]r|frånvaro|ej på kontoret|poissa (?:toimistolta)?|poza biurem|nieobecno|"
    r"mimo kancel|"
    r"nepřítom|неприс?утств|отсутств|нет на месте|не в офис|відсутн|ofis dışı|外出|休假|不在|出差|부재중|"
    r"خارج المكتب|מחוץ למשרד",
    re.IGNORECASE,
)
_AUTOMATIC_SUBJECT = re.compile(
    r"auto(?:matic|mated)?[ -]?(?:reply|response|answer)|autoreply|autoresponder|respuesta autom[áa]tica|"
    r"auto[ -]?respuesta|"
    r"resposta autom[àáa]tica|automatische (?:antwort|reaktion)|autom\. antwort|r[ée]ponse automatique|"
    r"risposta automatica|"
    r"automatisch(?:e)? (?:antwoord|beantwoording)|autosvar|automatis[kt]{1,2} svar|automaattinen vastaus|"
    r"automatyczna odpowied|"
    r"automatick[áa] odpov|automatikus v[áa]lasz|r[ăa]spuns automat|автоответ|автоматическ\w+ ответ|"
    r"автоматична відповідь|"
    r"автоматичен отговор|αυτόματη απάντηση|otomatik yan[ıi]t|自动(?:回复|答复)|自動(?:回覆|返信|応答)|"
    r"자동 ?(?:회신|응답)|رد تلقائي|"
    r"מענה אוטומטי|trả lời tự động|balasan otomatis|ตอบกลับอัตโนมัติ",
    re.IGNORECASE,
)
_BOUNCE_SUBJECT = re.compile(
    r"undeliver(?:able|ed)|delivery (?:status notification|failure|has failed|report)|returned mail|"
    r"mail delivery (?:failed|system|failure|problem)|mail system error|could not (?:be delivered|send)|"
    r"failure notice|"
    r"non[ -]?delivery|delivery problem|mail (?:failure|could not)|delivery notification|"
    r"message (?:not delivered|delayed|you sent blocked)|"
    r"nondeliverable|"
    r"no (?:se puede )?entrega(?:r|do|ble)?|devuelto|error de entrega|unzustellbar|rücksend|non remis|"
    r"échec de (?:remise|la)|"
    r"impossibile (?:recapitare|consegnare)|mancato recapito|não entregue|onbestelbaar|ikke levere|"
    r"kunde inte levereras|"
    r"niedostarcz|nedoruč|недоставлен|не доставлен|退信|配信不能|配送不能",
    re.IGNORECASE,
)
_DAEMON = re.compile(
    r"mailer-?daemon|postmaster|mail[ -]?delivery|mdaemon|bounce|microsoftexchange[0-9a-f]{8}|^exchange@|^<>$|"
    r"delivery subsystem|mail administrator|system (?:administrator|attendant)|mail system",
    re.IGNORECASE,
)
_NO_REPLY = re.compile(r"(?:^|[._+-])(?:no|do-?not)[._-]?(?:reply|responder|responda|answer|contestar)", re.IGNORECASE)
_AUTO_HEADERS = (
    *("x-autoreply", "x-autorespond", "x-autoreply-from", "x-mail-autoreply", "x-autogenerated", "x-auto-reply"),
    *("x-vacation", "x-autoresponder", "x-ms-exchange-generated-message-source", "x-fc-machinegenerated"),
)
_LIST_HEADERS = ("list-id", "list-post", "mailing-list", "x-mailing-list", "x-mailman-version", "list-unsubscribe")


def robot(mail: Mail) -> Robot:
    """What kind of mail this is; the surest sign wins."""
    report = _report_type(mail)
    if report == "feedback-report":
        return Robot("complaint", True, "feedback report")
    if report == "disposition-notification":
        return Robot("receipt", True, "disposition notification")
    bounced = _bounce_sign(mail)
    if bounced:
        return Robot("bounce", True, bounced)
    return _automatic(mail)


def _automatic(mail: Mail) -> Robot:
    away = bool(_OUT_OF_OFFICE.search(mail.subject[:300]))
    answer = bool(_AUTOMATIC_SUBJECT.search(mail.subject[:300]))
    reply_kind = "out_of_office" if away else "auto_reply"
    submitted = mail.header("auto-submitted").split(";")[0].strip().lower()
    if submitted and submitted != "no":
        generated = submitted.startswith(("auto-generated", "auto-notified")) and not (away or answer)
        return Robot("automatic" if generated else reply_kind, True, f"Auto-Submitted: {submitted[:60]}")
    for name in _AUTO_HEADERS:
        if mail.header(name) and mail.header(name).strip().lower() not in ("no", "false"):
            return Robot(reply_kind, True, name)
    precedence = (mail.header("precedence") or mail.header("x-precedence")).strip().lower()
    if precedence in ("auto_reply", "auto-reply"):
        return Robot(reply_kind, True, f"Precedence: {precedence}")
    suppress = mail.header("x-auto-response-suppress").strip().lower()
    if suppress and suppress not in ("none", "0"):
        return Robot(reply_kind if away or answer else "automatic", True, "X-Auto-Response-Suppress")
    for name in _LIST_HEADERS:
        if mail.header(name).strip():
            return Robot("list", True, name)
    if precedence in ("bulk", "list", "junk"):
        return Robot(reply_kind if away or answer else "list", True, f"Precedence: {precedence}")
    if mail.header("return-path").strip() == "<>":
        return Robot(reply_kind if away or answer else "automatic", True, "empty Return-Path")
    if answer or (away and len(mail.subject) < 120 and mail.in_reply_to):
        return Robot(reply_kind, False, "subject")
    author = mail.author
    if author is not None and _NO_REPLY.search(author.address.partition("@")[0]):
        return Robot("automatic", False, "sender's name")
    return Robot()


def _report_type(mail: Mail) -> str:
    for part in mail.parts:
        if part.kind == "report":
            kind = part.media_type.partition("/")[2].removeprefix("global-")
            if kind in ("feedback-report", "disposition-notification", "delivery-status"):
                return kind
    return ""


def _bounce_sign(mail: Mail) -> str:
    """What shows that a mail is a bounce; empty when nothing does."""
    if _report_type(mail) == "delivery-status":
        return "delivery status"
    if mail.header("x-failed-recipients"):
        return "X-Failed-Recipients"
    daemon = any(_DAEMON.search(one.address) or _DAEMON.search(one.name) for one in mail.from_) or bool(
        mail.header("return-path").strip() == "<>" and _BOUNCE_SUBJECT.search(mail.subject[:300])
    )
    if daemon and (_BOUNCE_SUBJECT.search(mail.subject[:300]) or _FAILED_WORDS.search(mail.body_text()[:20_000])):
        return "sender and text of a mail server"
    return ""


# ---------------------------------------------------------------- bounces

_FAILED_WORDS = re.compile(
    r"could ?n[o']t be delivered|not delivered|delivery (?:to the following|has failed|failed)|undeliverable|"
    r"permanent (?:fatal )?"
    r"error|did not reach|unable to deliver|failed permanently|no se (?:ha podido|pudo) entregar|no se entreg|"
    r"could not deliver|"
    r"wasn't delivered|nicht zugestellt|konnte nicht|n'a pas (?:pu être|été) (?:remis|distribu)|"
    r"non è stato (?:possibile )?"
    r"(?:recapita|consegna)|não (?:pôde ser|foi) entregue|address not found|user unknown|no such user|"
    r"mailbox (?:full|unavailable)",
    re.IGNORECASE,
)
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60})[ \t]*:[ \t]*(.*)")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_SMTP_CODE = re.compile(r"(?:^|[\s#(:<])([45]\d\d)(?=[\s-])")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,100}@[A-Za-z0-9.-]{1,200}\.[A-Za-z0-9-]{1,63}")
_FAILED_LIST = re.compile(
    r"(?:delivery has failed to these recipients|could ?n[o']t be delivered to|wasn't delivered to|"
    r"did not reach the following|"
    r"following (?:recipient|address)|no se (?:ha podido|pudo) entregar a|an folgende empf|"
    r"aux destinataires suivants|"
    r"problem delivering your message to|to one or more of (?:its|your) recipients)",
    re.IGNORECASE,
)
_ID_IN_TEXT = re.compile(r"^[>\s]{0,8}Message-I[Dd]\s*:\s*(<[^<>\s]{1,998}>)", re.MULTILINE)
_ACTIONS = frozenset(("failed", "delayed", "delivered", "relayed", "expanded"))


def bounces(mail: Mail) -> tuple[Bounce, ...]:
    """Who was not reached, one entry a recipient; empty when the mail is no bounce or names nobody.

    Read from the delivery status where there is one, else from the text, by flufl.bounce (which knows the forms of some
    fifteen servers) and by the words of Exchange and Microsoft 365.
    """
    if not _bounce_sign(mail):
        return ()
    original = original_message_id(mail)
    found: dict[str, Bounce] = {}
    for part in mail.parts:
        if part.kind == "report" and "delivery-status" in part.media_type:
            for fields in _records(part):
                one = _from_fields(fields, original)
                if one.recipient or one.status:
                    found.setdefault(one.recipient.lower(), one)
    text = mail.body_text()[:_SCANNED]
    if not found:
        for recipient, permanent in _named_in_text(mail, text):
            status, diagnostic = _said_of(text, recipient)
            if not status:
                status = "5.0.0" if permanent else "4.0.0"
            action = "failed" if status.startswith("5") else "delayed"
            found.setdefault(recipient.lower(), Bounce(recipient, status, action, diagnostic, original))
    return tuple(found.values())


def _records(part: MailPart) -> list[dict[str, str]]:
    """The per-recipient fields of a delivery status, also where the empty lines between them are missing."""
    lines = re.sub(r"\r\n?", "\n", decode(part.content[:_SCANNED]).text).replace("\n ", " ").replace("\n\t", " ")
    records: list[dict[str, str]] = []
    current: dict[str, str] = {}
    for line in lines.split("\n"):
        match = _FIELD.match(line[:4_000].strip())
        if match is None:
            if not line.strip() and ("final-recipient" in current or "original-recipient" in current):
                records.append(current)
                current = {}
            continue
        name = match.group(1).lower()
        if name in ("final-recipient",) and "final-recipient" in current:
            records.append(current)
            current = {}
        current.setdefault(name, match.group(2).strip())
    if "final-recipient" in current or "original-recipient" in current:
        records.append(current)
    return records[:1_000]


def _from_fields(fields: Mapping[str, str], original: str) -> Bounce:
    recipient = ""
    # The original recipient is the address that we wrote to; the final one may be an alias behind it.
    for name in ("original-recipient", "final-recipient", "x-actual-recipient"):
        value = fields.get(name, "")
        value = value.partition(";")[2] if ";" in value else value
        match = _ADDRESS.search(value)
        if match is not None:
            recipient = match.group()
            break
        recipient = recipient or value.strip().strip("<>")
    diagnostic = re.sub(r"^[\w-]{1,20}\s*;\s*", "", fields.get("diagnostic-code", ""))[:1_000]
    status_match = _STATUS.search(fields.get("status", "")) or _STATUS.search(diagnostic)
    status = status_match.group(1) if status_match else _from_smtp_code(diagnostic)
    action = fields.get("action", "").split("(")[0].strip().lower()
    if action not in _ACTIONS:
        action = {"4": "delayed", "2": "delivered"}.get(status[:1], "failed")
    return Bounce(recipient, status, action, diagnostic, original)


def _from_smtp_code(text: str) -> str:
    match = _SMTP_CODE.search(text)
    return f"{match.group(1)[0]}.0.0" if match else ""


def _named_in_text(mail: Mail, text: str) -> list[tuple[str, bool]]:
    """The recipients that a text names, with whether the failure is for good."""
    named: dict[str, bool] = {}
    for value in mail.headers.get("x-failed-recipients", ()):
        named.update((address, True) for address in _ADDRESS.findall(value))
    if not named:
        try:
            temporary, permanent = all_failures(message_from_bytes(mail.raw[:_SCANNED], policy=compat32))
            named.update((address.decode("ascii", "replace"), False) for address in temporary)
            named.update((address.decode("ascii", "replace"), True) for address in permanent)
        except Exception:  # one of its seventeen readers stumbled over a text it was not written for
            named.clear()
        named = {address: final for address, final in named.items() if _ADDRESS.fullmatch(address)}
    if not named:
        match = _FAILED_LIST.search(text)
        if match is not None:
            after = text[match.end() : match.end() + 600]
            own = {one.address.lower() for one in (*mail.to, *mail.from_)}
            named.update((one, True) for one in _ADDRESS.findall(after)[:1] if one.lower() not in own)
    return sorted(named.items())


def _said_of(text: str, recipient: str) -> tuple[str, str]:
    """Status and diagnostic in the lines at or after a recipient's name."""
    at = text.lower().find(recipient.lower())
    window = text[max(0, at) : max(0, at) + 2_000]
    status = _STATUS.search(window) or _STATUS.search(text)
    lines = [line.strip() for line in window.split("\n")]
    said = next((line for line in lines if _STATUS.search(line) or _SMTP_CODE.search(line)), "")
    if not said:
        said = next((line for line in lines[1:] if line), "")
    return (status.group(1) if status else _from_smtp_code(window)), said[:1_000]


def original_message_id(mail: Mail) -> str:
    """The id of the message that a bounce or complaint is about: from the copy of it, the text, or the references."""
    for part in mail.parts:
        if part.kind in ("message", "report") and part.media_type in _COPIES:
            copy = message_from_bytes(part.content[:_SCANNED], policy=compat32)
            ids = message_ids(str(copy.get("message-id", ""))[:2_000], 1)
            if ids:
                return ids[0]
    match = _ID_IN_TEXT.search(mail.body_text()[:_SCANNED])
    if match is not None:
        return match.group(1).strip("<>")
    for part in mail.parts:
        if part.media_type in ("text/plain", "application/octet-stream") or part.kind:
            found = _ID_IN_TEXT.search(part.content[:_SCANNED].decode("latin-1"))
            if found is not None:
                return found.group(1).strip("<>")
    candidates = (*mail.in_reply_to, *reversed(mail.references))
    return candidates[0] if candidates else ""


_COPIES = frozenset(("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"))


def complaint(mail: Mail) -> Complaint | None:
    """The feedback report in a mail, if it is one."""
    for part in mail.parts:
        if part.media_type == "message/feedback-report":
            fields: dict[str, str] = {}
            for line in decode(part.content[:_SCANNED]).text.split("\n"):
                match = _FIELD.match(line.strip()[:2_000])
                if match is not None:
                    fields.setdefault(match.group(1).lower(), match.group(2).strip())
            recipient = fields.get("original-rcpt-to", fields.get("removal-recipient", "")).strip("<>")
            return Complaint(fields.get("feedback-type", "other").lower(), recipient, original_message_id(mail))
    return None


# ---------------------------------------------------------------- spam

_RESULT = re.compile(r"\b(spf|dkim|dmarc)\s*=\s*([a-z]+)", re.IGNORECASE)


def spam_verdict(mail: Mail, *, trusted_hosts: Iterable[str] = ()) -> SpamVerdict:
    """What the servers on the way said.

    Args:
        mail: the mail.
        trusted_hosts: the names that our own servers sign `Authentication-Results` with (RFC 8601 §2.5); without any,
            the first such header counts, which the last server added.
    """
    trusted = {host.lower() for host in trusted_hosts}
    results: dict[str, str] = {}
    for value in mail.headers.get("authentication-results", ()):
        host = value.split(";")[0].strip().split(" ")[0].lower()
        if trusted and host not in trusted:
            continue
        for method, word in _RESULT.findall(value[:8_000]):
            known = results.get(method.lower())
            # One good signature of several is enough.
            if known is None or word.lower() == "pass":
                results[method.lower()] = word.lower()
        if not trusted:
            break
    reason = _flagged(mail)
    if not reason and results.get("dmarc") == "fail":
        reason = "DMARC failed"
    return SpamVerdict(
        spam=bool(reason),
        reason=reason,
        spf=results.get("spf", "none"),
        dkim=results.get("dkim", "none"),
        dmarc=results.get("dmarc", "none"),
    )


def _flagged(mail: Mail) -> str:
    """The header by which a filter calls a mail spam."""
    for name in ("x-spam-flag", "x-spam-status", "x-spam", "x-spam-isspam"):
        if re.match(r"(?:yes|true|spam)\b", mail.header(name).strip(), re.IGNORECASE):
            return name
    if mail.header("x-rspamd-action").strip().lower() in ("reject", "add header", "rewrite subject"):
        return "x-rspamd-action"
    if re.search(r"\bSFV:(?:SPM|SKB)\b", mail.header("x-forefront-antispam-report")):
        return "x-forefront-antispam-report"
    level = re.match(r"-?\d{1,2}", mail.header("x-ms-exchange-organization-scl").strip())
    return "x-ms-exchange-organization-scl" if level is not None and int(level.group()) >= 5 else ""
