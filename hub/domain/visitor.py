"""Who writes through the web chat: values that pass between the hub's edge and its own channel."""

from __future__ import annotations

from dataclasses import dataclass

SIGNED_IDENTITY = "signed_identity"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who a browser is to us. `evidence` is as in `InboundMessage`: what a signed identity vouched for."""

    visitor_id: str
    inbox_id: str
    language: str = "en"
    display_name: str = ""
    evidence: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SignedIdentity:
    """What the shop vouches for. `email` is lower-case, `phone` is E.164; empty where the shop did not say."""

    subject: str
    email: str = ""
    phone: str = ""
    name: str = ""

    def evidence(self, inbox_id: str) -> tuple[tuple[str, str, str], ...]:
        """The addresses that this identity proves.

        The shop's own customer id counts too. It carries the inbox's id, because the customers of two brands may well
        have the same numbers and are still different people.
        """
        found = [("customer", f"{inbox_id}:{self.subject}", SIGNED_IDENTITY)]
        if self.email:
            found.append(("email", self.email, SIGNED_IDENTITY))
        if self.phone:
            found.append(("phone", self.phone, SIGNED_IDENTITY))
        return tuple(found)
