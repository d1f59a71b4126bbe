"""Labelled thread mails: customers who write and answer as their clients do, and strangers who try to get in.

A run plays the mails one after another through the parser and the rules against a store that remembers what the rules
decided (not what is true), so that one mistake has its consequences.
"""

from __future__ import annotations

import base64
import random
import struct
from dataclasses import dataclass, field

from channels.email.mime import Mail, parse_mail
from channels.email.robots import spam_verdict
from channels.email.thread import thread_headers
from hub.domain.mail_threading import (
    Known,
    Placement,
    lookups,
    normal_address,
    place,
    reply_address,
    subject_mark,
    thread_root,
)

SECRET = b"a key of the tests"
MAILBOX = "help@shop.example"


@dataclass(frozen=True, slots=True)
class ThreadMail:
    """A customer's mail, the conversation it truly belongs to, and whether its sender is a stranger to those it names.

    `truth` is `<conversation>`; a stranger's is a name of its own. `claimed`: the conversation that it must be shown
    to claim.
    """

    name: str
    raw: bytes
    truth: str
    stranger: bool = False
    claimed: str = ""
    answers: bool = True


@dataclass(slots=True)
class Sent:
    """A mail of ours, as its reader has it: with the ids that a gateway may have changed."""

    message_id: str
    references: list[str]
    subject: str
    reply_to: str
    known_id: str


@dataclass(slots=True)
class Store:
    """What the hub would look up."""

    by_message_id: dict[str, str] = field(default_factory=dict)
    by_thread_root: dict[str, str] = field(default_factory=dict)
    by_ticket_number: dict[int, str] = field(default_factory=dict)
    participants: dict[str, set[str]] = field(default_factory=dict)
    topics: dict[str, str] = field(default_factory=dict)

    def known(self) -> Known:
        return Known(
            by_message_id=self.by_message_id,
            by_thread_root=self.by_thread_root,
            by_ticket_number=self.by_ticket_number,
            participants={name: frozenset(people) for name, people in self.participants.items()},
            thread_topics=self.topics,
        )


@dataclass(frozen=True, slots=True)
class Decided:
    """A mail of the run: its label, where the rules put it, and by which rule."""

    mail: ThreadMail
    conversation: str
    placement: Placement


@dataclass(frozen=True, slots=True)
class Customer:
    address: str
    name: str
    client: str
    subject: str


# Prefixes that the clients of the world put before a subject.
PREFIXES = {
    "gmail": "Re: ",
    "outlook es": "RV: RE: ",
    "outlook de": "AW: ",
    "outlook fr": "RE : ",
    "exchange stripped": "RE: ",
    "exchange own ids": "RE: ",
    "apple": "Re: ",
    "iphone": "Re: Re: ",
    "yahoo": "Re: ",
    "ses": "Re: ",
    "notes": "Antwort: ",
    "webmail": "",
    "android": "Re: ",
    "thunderbird": "Re: ",
    "ticket system": "[Case 99120] Re: ",
    "qq": "回复：",
    "mail.ru": "Отв: ",
    "hungarian": "Vá: ",
    "proton": "Re: ",
    "gateway": "[EXTERNAL] Re: ",
}
CUSTOMERS = (
    Customer("ana@customer.example", "Ana Pérez", "gmail", "Problem with my order"),
    Customer("luis@otra.example", "Luis", "outlook es", "Problem with my order"),
    Customer("eva@firma.example", "Eva", "outlook de", "Problem with my order"),
    Customer("paul@societe.example", "Paul", "outlook fr", "Facture"),
    Customer("carla@corp.example", "Carla", "exchange stripped", "Invoice"),
    Customer("dan@corp.example", "Dan", "exchange own ids", "Invoice"),
    Customer("b.o.b@gmail.com", "Bob", "apple", "Help"),
    Customer("sue@icloud.example", "Sue", "iphone", "Help"),
    Customer("yu@yahoo.example", "Yu", "yahoo", "Help"),
    Customer("sam@ses.example", "Sam", "ses", "Where is it?"),
    Customer("nora@notes.example", "Nora", "notes", "Where is it?"),
    Customer("will@old.example", "Will", "webmail", "Where is it?"),
    Customer("andy@phone.example", "Andy", "android", "Reclamación"),
    Customer("tom@bird.example", "Tom", "thunderbird", "Reclamación"),
    Customer("desk@partner.example", "Service desk", "ticket system", "Delivery"),
    Customer("wang@qq.example", "王", "qq", "订单"),
    Customer("ivan@mail.example", "Иван", "mail.ru", "Заказ"),
    Customer("bela@posta.example", "Béla", "hungarian", "Rendelés"),
    Customer("pia@proton.example", "Pia", "proton", "Order"),
    Customer("gus@secure.example", "Gus", "gateway", "Order"),
)
ROUNDS = 4


def _index(seed: int, replies: int) -> str:
    """Outlook's Thread-Index: 22 bytes, then five for each reply."""
    generator = random.Random(seed)  # noqa: S311  # a fixed sequence, no secret
    head = b"\x01" + struct.pack(">Q", 0x01DA1B0000000000)[:5] + generator.randbytes(16)
    return base64.b64encode(head + b"".join(generator.randbytes(5) for _ in range(replies))).decode()


def _raw(
    sender: str, name: str, subject: str, message_id: str, *, to: str = MAILBOX, headers: str = "", body: str = "Hello"
) -> bytes:
    head = f"From: {name} <{sender}>\r\nTo: {to}\r\nSubject: {subject}\r\nDate: Mon, 20 Nov 2023 10:00:00 +0000\r\n"
    identity = f"Message-ID: <{message_id}>\r\n" if message_id else ""
    return (
        f"{head}{identity}{headers}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}".encode()
    )


class Play:
    """Plays all mails; `decided` holds the outcome."""

    def __init__(self) -> None:
        self.store = Store()
        self.decided: list[Decided] = []
        self._numbers = 100
        self._sent = 0

    def run(self) -> list[Decided]:
        """First mails of all, then rounds of answers, then the strangers."""
        threads: list[tuple[Customer, str, int, list[Sent]]] = []
        for position, customer in enumerate(CUSTOMERS):
            for matter in range(2):  # two matters with one subject: they must stay two
                truth = f"{customer.address} {matter}"
                seed = position * 10 + matter
                conversation = self._take(
                    ThreadMail(f"{customer.client}/first {matter}", self._first(customer, seed), truth)
                )
                threads.append((customer, truth, seed, [self._answer(conversation, customer, [])]))
        for turn in range(1, ROUNDS + 1):
            for customer, truth, seed, sent in threads:
                raw = self._reply(customer, sent, seed, turn)
                conversation = self._take(ThreadMail(f"{customer.client}/answer {turn} {truth}", raw, truth))
                sent.append(self._answer(conversation, customer, sent[-1].references))
        self._colleague(threads[0])
        self._strangers(threads)
        return self.decided

    def _first(self, customer: Customer, seed: int) -> bytes:
        headers = ""
        if "outlook" in customer.client or "exchange" in customer.client:
            headers = f"Thread-Index: {_index(seed, 0)}\r\nThread-Topic: {customer.subject}\r\n"
        identity = "" if customer.client == "webmail" else f"first.{seed}@{customer.address.split('@')[1]}"
        return _raw(customer.address, customer.name, customer.subject, identity, headers=headers, body=f"Matter {seed}")

    def _answer(self, conversation: str, customer: Customer, references: list[str]) -> Sent:
        """Our answer, as the customer's client gets it."""
        self._sent += 1
        number = next(n for n, name in self.store.by_ticket_number.items() if name == conversation)
        known_id = f"out.{self._sent}@shop.example"
        # Amazon SES puts an id of its own in the place of ours and tells it; Exchange keeps ours.
        message_id = (
            f"0102018b{self._sent:08x}-000000@eu-west-1.amazonses.com" if customer.client == "ses" else known_id
        )
        if customer.client != "ses" or self._sent % 2:  # every other time its answer was lost: only the token is left
            self.store.by_message_id[message_id] = conversation
        subject = f"Re: {customer.subject} {subject_mark(number)}"
        return Sent(
            message_id, [*references, message_id], subject, reply_address(MAILBOX, conversation, SECRET), known_id
        )

    def _reply(self, customer: Customer, sent: list[Sent], seed: int, turn: int) -> bytes:
        """An answer to our last mail, as the customer's client makes it."""
        last = sent[-1]
        # Every third answer goes to an older mail of ours, as people do.
        if turn == 3:
            last = sent[0]
        client = customer.client
        subject = PREFIXES[client] + last.subject.removeprefix("Re: ")
        to, headers = last.reply_to, ""
        parent, chain = f"<{last.message_id}>", " ".join(f"<{one}>" for one in last.references)
        index = f"Thread-Index: {_index(seed, turn)}\r\nThread-Topic: {customer.subject}\r\n"
        if client in ("gmail", "qq", "mail.ru", "hungarian", "gateway"):
            headers = f"In-Reply-To: {parent}\r\nReferences: {chain}\r\n"
        elif client.startswith("outlook"):
            headers = (
                f"References: {chain.replace(' ', chr(13) + chr(10) + chr(9))}\r\nIn-Reply-To: {parent}\r\n{index}"
            )
        elif client == "exchange stripped":
            headers, to = index, MAILBOX  # a gateway took the references and the number away
            subject = f"RE: {customer.subject}"
        elif client == "exchange own ids":
            headers = f"References: <own.{seed}.{turn}@corp.example> {parent}\r\n{index}"
        elif client in ("apple", "iphone"):
            headers = f"In-Reply-To: {parent}\r\nReferences: {parent}\r\n"
        elif client == "yahoo":
            headers, to = f"References: {chain}\r\nIn-Reply-To: {parent.upper().replace('OUT.', 'out.')}\r\n", MAILBOX
        elif client == "ses":
            headers = f"In-Reply-To: {parent}\r\n"
        elif client == "notes":
            to = MAILBOX  # nothing but the number in the subject
        elif client == "webmail":
            subject = "a new thing entirely"  # nothing but the address
            to = to.upper() if turn % 2 else to
        elif client == "android":
            headers, to = f"In-Reply-To: Message of yesterday <{last.message_id}>\r\n", MAILBOX
        elif client == "thunderbird":
            headers, to = f"References: {chain}\r\n", MAILBOX
            subject = "Re: another subject"
        elif client == "ticket system":
            to = MAILBOX
        elif client == "proton":
            headers, to = f"In-Reply-To: <<{last.message_id}>>\r\nReferences: {chain}\r\n", MAILBOX
        sender = customer.address
        if sender.endswith("@gmail.com") and turn % 2:
            sender = "bob@googlemail.com"  # the same mailbox by its other name
        identity = "" if client == "webmail" else f"re.{seed}.{turn}@{customer.address.split('@')[1]}"
        return _raw(sender, customer.name, subject, identity, to=to, headers=headers, body=f"Answer {turn}")

    def _colleague(self, thread: tuple[Customer, str, int, list[Sent]]) -> None:
        """Somebody whom the customer put in copy takes part, and enters."""
        customer, truth, _, sent = thread
        parent = f"In-Reply-To: <{sent[-1].message_id}>\r\n"
        copy = f"{parent}Cc: friend@customer.example\r\n"
        self._take(
            ThreadMail(
                "copy/customer adds a friend",
                _raw(customer.address, customer.name, "Re: x", "cc1@x.example", headers=copy),
                truth,
            )
        )
        self._take(
            ThreadMail(
                "copy/the friend answers",
                _raw("friend@customer.example", "Friend", "Re: x", "cc2@x.example", headers=parent),
                truth,
            )
        )

    def _strangers(self, threads: list[tuple[Customer, str, int, list[Sent]]]) -> None:
        for position, (customer, truth, seed, sent) in enumerate(threads):
            last = sent[-1]
            victim = next(one.conversation for one in self.decided if one.mail.truth == truth)
            parent = f"In-Reply-To: <{last.message_id}>\r\nReferences: <{last.known_id}> <{last.message_id}>\r\n"
            local, _, domain = customer.address.partition("@")
            index = f"Thread-Index: {_index(seed, 2)}\r\nThread-Topic: {customer.subject}\r\n"
            token = last.reply_to.partition("@")[0]
            forged = token[:-1] + ("a" if token[-1] != "a" else "b") + "@shop.example"
            failed = "Authentication-Results: mx.shop.example; dmarc=fail header.from=customer.example\r\n"
            attempts = (
                ("quotes the id", "eve@evil.example", last.subject, MAILBOX, parent, True),
                ("has the whole forwarded mail", "eve@evil.example", last.subject, last.reply_to, parent, True),
                ("has the address", "eve@evil.example", "Hello", last.reply_to, "", True),
                ("guesses the number", "eve@evil.example", f"Re: {last.subject.split(' ')[-1]}", MAILBOX, "", True),
                ("bears the customer's name", f"{local}@evil.example", last.subject, last.reply_to, parent, True),
                (
                    "tags the customer's address",
                    f"{local}+x@{domain}",
                    last.subject,
                    MAILBOX,
                    parent,
                    "gmail" not in domain,
                ),
                ("makes up a token", "eve@evil.example", "Hello", forged, "", False),
                ("has the thread index", "eve@evil.example", customer.subject, MAILBOX, index, False),
                ("forges the sender", customer.address, last.subject, last.reply_to, parent + failed, True),
                ("has but the same subject", "eve@evil.example", customer.subject, MAILBOX, "", False),
            )
            name, sender, subject, to, headers, claims = attempts[position % len(attempts)]
            raw = _raw(sender, customer.name, subject, f"evil.{position}@evil.example", to=to, headers=headers)
            label = f"stranger {position}"
            self._take(ThreadMail(f"stranger/{name} {position}", raw, label, True, victim if claims else ""))

    def _take(self, one: ThreadMail) -> str:
        mail = parse_mail(one.raw)
        assert isinstance(mail, Mail), one.name
        headers = thread_headers(mail, forged=spam_verdict(mail).dmarc == "fail")
        placement = place(headers, lookups(headers, [b"a newer key", SECRET]), self.store.known())
        conversation = placement.conversation_id
        if not conversation:
            self._numbers += 1
            conversation = f"01HF{self._numbers:022d}"
            self.store.by_ticket_number[self._numbers] = conversation
            self.store.participants[conversation] = set()
            self.store.topics[conversation] = mail.thread_topic
        for identity in mail.message_ids:
            self.store.by_message_id.setdefault(identity, conversation)
        root = thread_root(mail.thread_index)
        if root:
            self.store.by_thread_root.setdefault(root, conversation)
        people = {normal_address(headers.sender)} | {normal_address(each.address) for each in mail.cc}
        self.store.participants[conversation] |= people - {normal_address(MAILBOX)}
        self.decided.append(Decided(one, conversation, placement))
        return conversation


@dataclass(frozen=True, slots=True)
class Pairs:
    """How well pairs of mails were put together or kept apart."""

    mails: int
    pairs: int
    right: int
    together: int
    found: int
    wrong: int

    @property
    def accuracy(self) -> float:
        return self.right / self.pairs

    @property
    def f1(self) -> float:
        """Harmonic mean of the share of pairs found and the share of the found that is right."""
        return 2 * self.found / (2 * self.found + self.wrong + (self.together - self.found))


def pairs(decided: list[Decided]) -> Pairs:
    """Compares every mail with every other."""
    count = right = together = found = wrong = 0
    for at, one in enumerate(decided):
        for other in decided[at + 1 :]:
            same = one.mail.truth == other.mail.truth
            put = one.conversation == other.conversation
            count += 1
            right += same == put
            together += same
            found += same and put
            wrong += put and not same
    return Pairs(len(decided), count, right, together, found, wrong)


def strangers_let_in(decided: list[Decided]) -> list[str]:
    """The names of the strangers' mails that came into another's conversation."""
    return [one.mail.name for one in decided if one.mail.stranger and one.placement.conversation_id]
