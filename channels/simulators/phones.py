"""The customers whose phones can be tried out, and the firm's numbers in the demo.

The numbers are mere patterns (ranges kept for films would do in few countries, and number libraries call those
invalid). Nothing here calls or texts anybody: the phones are on this page and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody with a phone. `language` is what they write in, `place` where they live."""

    number: str
    name: str
    language: str
    place: str


FIRM_NAME = "Lumbre"
FIRM_NUMBERS = ("+34644010203", "+447400123123")

CUSTOMERS = (
    Customer("+34611223344", "Carmen Ortega", "es", "Valencia"),
    Customer("+447400654321", "Oliver Hughes", "en", "Leeds"),
    Customer("+12025550147", "Emily Johnson", "en", "Washington"),
    Customer("+525512345678", "Alejandra Ríos", "es", "Ciudad de México"),
    Customer("+5491123456789", "Martín Sosa", "es", "Buenos Aires"),
    Customer("+5511987654321", "Ana Souza", "es", "São Paulo"),
    Customer("+393401234567", "Giulia Conti", "en", "Torino"),
    Customer("+33612345678", "Claire Moreau", "en", "Lyon"),
    Customer("+351912345678", "Rui Almeida", "en", "Porto"),
    Customer("+34699887766", "Iker Etxeberria", "es", "Bilbao"),
    Customer("+447400987654", "Priya Patel", "en", "Leicester"),
    Customer("+13055550182", "Daniel Pérez", "es", "Miami"),
)
