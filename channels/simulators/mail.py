"""The world's mail around the firm: mailboxes of customers, a server that takes the hub's mail for them, and one that
hands theirs to the hub's listener, as patiently as mail servers are (RFC 5321).

Beside this file: `mail_ledger.py` what was sent and got, `mail_programs.py` how customers' programs write,
`mail_people.py` who they are, `mail_control.py` the API, `faults.py` what is to go wrong.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import smtplib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from channels.simulators.faults import MAIL_MENU, Fault, Faults
from channels.simulators.lanes import Lanes, Step
from channels.simulators.mail_ledger import File, KeptMail, MailLedger
from channels.simulators.mail_people import ALWAYS_REFUSED, BOUNCES, FIRM_ADDRESS, Person, somebody
from channels.simulators.mail_programs import Draft, Picture, Quoted, away_note, bounce, reply_subject, write

SIZE_LIMIT = 40 * 1024 * 1024
TEXT_LIMIT = 200_000
# What servers of the world are called here.
_HOST = "mail-simulator.example"
_ID = re.compile(r"<([^<>\s]+)>")
_GREYLISTED = (451, "4.7.1 Greylisted, try again in a while")
_REFUSED = (550, "5.7.1 Refused: this mail is not wanted here")
_SECONDS = 60.0
# A mail is offered this often before its server gives up: a hub that restarts is waited for.
_TRIES = 8


@dataclass(frozen=True, slots=True)
class MailTiming:
    """Seconds. `retry` is the first pause before a mail is offered again, each further one is twice as long; `robot`
    is how long robots take to answer."""

    retry: float = 0.5
    robot: float = 0.3


@dataclass(frozen=True, slots=True)
class Taken:
    """What the world's server says to a mail of the hub's. `hold` in seconds; `cut` hangs up instead of answering."""

    code: int
    words: str
    hold: float = 0.0
    cut: bool = False

    def __str__(self) -> str:
        return f"{self.code} {self.words}"


@dataclass(slots=True)
class MailSending:
    """A customer's mail on its way to the hub."""

    mail: KeptMail
    raw: bytes
    envelope_sender: str
    done: threading.Event = field(default_factory=threading.Event)
    tries: int = 0


class MailWorld:
    """Everybody's mail but the firm's.

    Args:
        ledger: where everything is kept.
        lanes: run what follows, in their time.
        hub: the hub's mail listener, host and port.
        clock: seconds since 1970-01-01 UTC.
        timing: how long things take.
    """

    def __init__(
        self,
        ledger: MailLedger,
        lanes: Lanes,
        hub: tuple[str, int],
        *,
        clock: Callable[[], float] = time.time,
        timing: MailTiming | None = None,
    ) -> None:
        self.ledger = ledger
        self.faults = Faults(MAIL_MENU)
        self.hub = hub
        self.clock = clock
        self._lanes = lanes
        self._timing = timing or MailTiming()
        self._server: _Server | None = None

    # --- a customer writes ---

    def write(
        self,
        sender: str,
        *,
        text: str,
        subject: str = "",
        name: str = "",
        to: str = FIRM_ADDRESS,
        answers: KeptMail | None = None,
        language: str = "",
        program: str = "",
        files: Sequence[File] = (),
        away: bool = False,
    ) -> MailSending:
        """A customer sends a mail to the firm, who hears of it in the lane of this customer.

        Args:
            sender: the customer's address.
            text: what they write.
            subject: empty: that of the answered mail.
            name: theirs; empty: as the address says.
            to: the firm's address, where no mail is answered; an answer goes where the mail asks for it.
            answers: a mail of the same mailbox.
            language: en or es, in which the program writes around a quote; empty: the person's.
            program: of `mail_programs.PROGRAMS`; empty: the person's.
            files: with name, type and content.
            away: an out-of-office reply, which no person wrote.
        """
        person = self._person(sender, name, language, program)
        quoted = _quoted(answers) if answers else None
        if quoted and not subject:
            subject = reply_subject(quoted.subject)
        if away and not text:
            subject, text = away_note(person.language, quoted.subject if quoted else subject)
        draft = Draft(
            message_id=f"{secrets.token_hex(12)}@{sender.rpartition('@')[2]}",
            sent_at=datetime.fromtimestamp(int(self.clock()), UTC),
            name=person.name,
            address=sender,
            to=_answer_address(answers) if answers else to,
            subject=subject,
            text=text,
            language=person.language,
            program=person.program,
            answers=quoted,
            files=[Picture(each.name, each.media_type, each.content) for each in files],
            away=away,
        )
        fault = None if away else self.faults.take("mail", sender)
        raw = write(draft)
        if fault and fault.do == "without_references":
            raw = re.sub(rb"(?m)^(?:In-Reply-To|References|Thread-Topic):.*\r\n(?:[ \t].*\r\n)*", b"", raw)
        mail = self.ledger.add(
            KeptMail(
                message_id=draft.message_id,
                origin="server" if away else "customer",
                kind="out_of_office" if away else "mail",
                customer=sender.lower(),
                sender=sender,
                sender_name=person.name,
                recipient=draft.to,
                subject=draft.subject,
                text=text,
                refs=(*quoted.references, quoted.message_id) if quoted else (),
                status="sending",
                created=self.clock(),
            ),
            raw,
            files,
        )
        return self._post(MailSending(mail, raw, "" if away else sender), fault)

    def _person(self, address: str, name: str, language: str, program: str) -> Person:
        known = somebody(address)
        return replace(
            known,
            name=name or known.name,
            language=language or known.language,
            program=program or known.program,
        )

    def _post(self, sending: MailSending, fault: Fault | None = None) -> MailSending:
        lane: tuple[str, ...] = ("mail", sending.mail.customer)
        delay = 0.0
        if fault and fault.do == "late":
            lane, delay = (
                ("late", str(sending.mail.id)),
                fault.seconds(4),
            )  # out of its customer's lane: others overtake
        self._lanes.put(lane, self._offering(sending, fault), delay)
        return sending

    def _offering(self, sending: MailSending, fault: Fault | None) -> Step:
        """A step that offers a mail to the hub, and again as servers do."""
        do = fault.do if fault else ""

        def step() -> float | None:
            sending.tries += 1
            first = sending.tries == 1
            copies = fault.whole("copies", 2) if fault and do in ("duplicate", "parallel") and first else 1
            if do == "parallel" and first:
                others = [threading.Thread(target=self._offer, args=[sending, ""]) for _ in range(copies - 1)]
                for each in others:
                    each.start()
                code = self._offer(sending, "")
                for each in others:
                    each.join()
            else:
                for _ in range(copies):
                    code = self._offer(sending, do if first else "")
            if 200 <= code < 300 or 500 <= code < 600 or sending.tries == _TRIES:
                sending.done.set()
                return None
            return float(self._timing.retry * 2 ** (sending.tries - 1))

        return step

    def _offer(self, sending: MailSending, do: str) -> int:
        """One attempt. Returns the SMTP code; 0 where there was no answer."""
        began = time.perf_counter()
        try:
            code, words = _hand_over(self.hub, sending.raw, sending.envelope_sender, sending.mail.recipient, do)
        except (OSError, smtplib.SMTPException) as error:
            code, words = 0, f"{type(error).__name__}: {error}"
        latency = (time.perf_counter() - began) * 1000
        status = "accepted" if 200 <= code < 300 else "failed" if code >= 500 or sending.tries == _TRIES else "sending"
        self.ledger.attempted(sending.mail.id, self.clock(), code, words, latency, status)
        return code

    # --- the hub's mail for customers ---

    def recipient(self, address: str) -> Taken:
        """What is said to a recipient that the hub names."""
        always = ALWAYS_REFUSED.get(address.partition("@")[0].lower())
        answer = Taken(*always) if always else Taken(250, "2.1.5 OK")
        if always:
            self.ledger.note("call", self.clock(), code=answer.code, detail={"to": address, "words": answer.words})
        return answer

    def take(self, sender: str, recipients: Sequence[str], raw: bytes) -> Taken:
        """A mail that the hub hands over, for each of its recipients."""
        fault = self.faults.take("send", *recipients)
        do = fault.do if fault else ""
        if fault and do in ("greylist", "refuse"):
            code, words = _GREYLISTED if do == "greylist" else _REFUSED
            answer = Taken(fault.whole("status", code), str(fault.details.get("message", words)))
        elif do == "cut":
            answer = Taken(0, "cut", cut=True)
        else:
            answer = Taken(
                250,
                "2.0.0 OK",
                hold=fault.seconds(1) if fault and do == "delay" else 0.0,
                cut=do == "accept_then_cut",
            )
            for recipient in recipients:
                self._received(sender, recipient, raw, fault)
        detail = {"to": list(recipients), "words": answer.words, "cut": answer.cut}
        self.ledger.note("call", self.clock(), code=answer.code, detail=detail)
        return answer

    def _received(self, sender: str, recipient: str, raw: bytes, fault: Fault | None) -> None:
        do = fault.do if fault else ""
        returned = do == "bounce" or recipient.partition("@")[0].lower() == BOUNCES
        mail, files = _read(raw, sender, recipient, self.clock())
        mail = self.ledger.add(replace(mail, status="bounced" if returned else "received"), raw, files)
        delay = fault.seconds(self._timing.robot) if fault else self._timing.robot
        if returned:
            self._lanes.put(("bounce", str(mail.id)), lambda: self._bounce(mail), delay)
        elif do == "out_of_office":
            self._lanes.put(("away", str(mail.id)), lambda: self._away(mail), delay)

    def _bounce(self, mail: KeptMail) -> None:
        """The report that the mail did not arrive, to who sent it."""
        now = datetime.fromtimestamp(int(self.clock()), UTC)
        message_id = f"{secrets.token_hex(12)}@{mail.recipient.rpartition('@')[2]}"
        words = "550 5.1.1 There is no such mailbox"
        raw = bounce(message_id, now, _quoted(mail), mail.recipient, "5.1.1", words)
        kept = self.ledger.add(
            KeptMail(
                message_id=message_id,
                origin="server",
                kind="bounce",
                customer=mail.customer,
                sender=f"mailer-daemon@{mail.recipient.rpartition('@')[2]}",
                sender_name="Mail Delivery Subsystem",
                recipient=mail.sender,
                subject="Delivery Status Notification (Failure)",
                text=words,
                refs=(mail.message_id,),
                status="sending",
                created=self.clock(),
            ),
            raw,
        )
        self._post(MailSending(kept, raw, ""))

    def _away(self, mail: KeptMail) -> None:
        self.write(mail.recipient, text="", answers=mail, away=True)

    # --- the server ---

    def listen(self, host: str, port: int) -> int:
        """Takes the hub's mail there from now on. Returns the port (0 chose one). Raises OSError where it is taken."""
        self._server = _Server(_Handler(self), host, port)
        self._server.start()
        return self._server.listening_port

    def close(self) -> None:
        """Ends the server."""
        if self._server is not None:
            self._server.stop()
            self._server = None


def _hand_over(place: tuple[str, int], raw: bytes, sender: str, recipient: str, do: str) -> tuple[int, str]:
    """Offers a mail; gives the last answer. Raises OSError or SMTPException where there is none."""
    client = smtplib.SMTP(*place, local_hostname=_HOST, timeout=_SECONDS)
    try:
        client.ehlo()
        for code, words in (client.mail(sender), client.rcpt(recipient)) if do != "cut" else (client.mail(sender),):
            if not 200 <= code < 300:
                return code, words.decode("utf-8", "replace")
        if do == "cut":
            raise ConnectionAbortedError("hung up before the mail")
        client.docmd("DATA")
        client.send(b"\r\n".join(b"." + line if line[:1] == b"." else line for line in raw.split(b"\r\n")) + b".\r\n")
        if do == "lose_answer":
            client.getreply()
            raise ConnectionAbortedError("the answer got lost")
        code, words = client.getreply()
        return code, words.decode("utf-8", "replace")
    finally:
        client.close()


class _Server(Controller):
    def __init__(self, handler: _Handler, host: str, port: int) -> None:
        super().__init__(handler, hostname=host, port=port, ready_timeout=15)

    def factory(self) -> SMTP:
        return SMTP(self.handler, data_size_limit=SIZE_LIMIT, enable_SMTPUTF8=True, decode_data=False, ident=_HOST)

    @property
    def listening_port(self) -> int:
        assert isinstance(self.server, asyncio.Server)  # noqa: S101  # started
        return int(self.server.sockets[0].getsockname()[1])

    def _trigger_server(self) -> None:
        """The library's trial connection, to the port that the system chose where none was named."""
        self.port = self.listening_port
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library's


class _Handler:
    def __init__(self, world: MailWorld) -> None:
        self._world = world

    async def handle_RCPT(  # noqa: N802  # the library's name
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],  # noqa: ARG002
    ) -> str:
        answer = self._world.recipient(address)
        if answer.code == 250:
            envelope.rcpt_tos.append(address)
        return str(answer)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        sender = (envelope.mail_from or "").strip("<>")
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(None, self._world.take, sender, list(envelope.rcpt_tos), raw)
        if answer.hold:
            await asyncio.sleep(answer.hold)
        if answer.cut and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
            await asyncio.sleep(_SECONDS)  # ended with the connection
        return str(answer)


def _read(raw: bytes, sender: str, recipient: str, now: float) -> tuple[KeptMail, list[File]]:
    """A mail of the hub's as a program shows it."""
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)  # noqa: S101  # of this policy
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    files = []
    for part in message.walk():
        if part.is_multipart() or part in (plain, html):
            continue
        content = part.get_payload(decode=True)
        content_id = str(part.get("Content-ID", "")).strip().strip("<>")
        if isinstance(content, bytes):
            files.append(File(part.get_filename() or "file", part.get_content_type(), content, content_id))
    names = message["From"].addresses if isinstance(message["From"], AddressHeader) else ()
    return (
        KeptMail(
            message_id=_first_id(message.get("Message-ID", "")),
            origin="hub",
            customer=recipient.lower(),
            sender=sender,
            sender_name=names[0].display_name if names else "",
            recipient=recipient,
            reply_to=message["Reply-To"].addresses[0].addr_spec if message["Reply-To"] else "",
            subject=str(message.get("Subject", "")),
            text=_content(plain).replace("\r\n", "\n").rstrip("\n"),
            html=_content(html),
            refs=tuple(_ID.findall(f"{message.get('References', '')} {message.get('In-Reply-To', '')}")),
            status="received",
            created=now,
        ),
        files,
    )


def _content(part: Any) -> str:
    return str(part.get_content()) if part is not None else ""


def _first_id(header: Any) -> str:
    found = _ID.search(str(header))
    return found.group(1) if found else str(header).strip()


def _answer_address(mail: KeptMail) -> str:
    """Where an answer to a mail of a mailbox goes: to who wrote it, or again to whom its owner wrote."""
    return mail.reply_to or mail.sender if mail.origin == "hub" else mail.recipient


def _quoted(mail: KeptMail) -> Quoted:
    return Quoted(
        message_id=mail.message_id,
        references=tuple(dict.fromkeys(mail.refs)),
        name=mail.sender_name,
        address=mail.sender,
        to=mail.recipient,
        sent_at=datetime.fromtimestamp(int(mail.created), UTC),
        subject=mail.subject,
        text=mail.text,
        html=mail.html,
    )
