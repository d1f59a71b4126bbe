"""The customers whose mailboxes can be tried out, and the firm's address in the demo.

All of them are at names that RFC 2606 keeps free for examples: no mail to or from them can leave this machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FIRM_NAME = "Lumbre"
FIRM_ADDRESS = "support@lumbre.example"
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a mailbox. `language` is what they and their program write in, `program` how it quotes."""

    address: str
    name: str
    language: str
    place: str
    program: str


PEOPLE = (
    Person("carmen.ortega@correo.example", "Carmen Ortega", "es", "Valencia", "gmail"),
    Person("oliver.hughes@mail.example", "Oliver Hughes", "en", "Leeds", "outlook"),
    Person("emily.johnson@post.example", "Emily Johnson", "en", "Washington", "apple"),
    Person("martin.sosa@correo.example", "Martín Sosa", "es", "Buenos Aires", "outlook"),
    Person("priya.patel@mail.example", "Priya Patel", "en", "Leicester", "gmail"),
    Person("iker.etxeberria@posta.example", "Iker Etxeberria", "es", "Bilbao", "thunderbird"),
    # No customer: the workshop that the firm asks about repairs.
    Person("pedidos@taller-norte.example", "Taller Norte", "es", "Vigo", "outlook"),
)

# Addresses, at any name, that always do the same: what is before the @ → the SMTP answer to the hub's mail. `bounces`
# is accepted first and comes back as a report.
ALWAYS_REFUSED = {
    "nobody": (550, "5.1.1 There is no such mailbox"),
    "full": (452, "4.2.2 The mailbox is full"),
    "blocked": (554, "5.7.1 Refused: sender is on a list"),
}
BOUNCES = "bounces"


def is_address(text: str) -> bool:
    """Whether this can be somebody's mailbox here: ASCII, nothing that needs quoting."""
    return bool(_ADDRESS.fullmatch(text)) and len(text) <= 254


def somebody(address: str) -> Person:
    """Who has this address; one of the page's people, or a stranger who writes English with Gmail."""
    known = next((each for each in PEOPLE if each.address == address.lower()), None)
    return known or Person(address, address.partition("@")[0], "en", "", "gmail")
