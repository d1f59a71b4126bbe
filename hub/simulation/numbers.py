"""Phone numbers for simulated customers: valid in their country, and nobody else's in the same run."""

from __future__ import annotations

import random

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

# Where the script's customers live.
REGIONS = frozenset({"AR", "BR", "CL", "CO", "DE", "ES", "FR", "GB", "IE", "MX", "PE", "PT", "US"})
# The last digits are a customer's own; those before them are the example's, so that the number stays a mobile's.
_OWN_DIGITS = 6


class Numbers:
    """Hands out numbers. The same seed gives the same ones in the same order."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"numbers {seed}")  # noqa: S311  # nothing secret
        self._given: set[str] = set()

    def next(self, region: str) -> str:
        """A valid mobile number (E.164) of a region of `REGIONS` that was not given before."""
        example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        if example is None:
            raise ValueError(f"there are no mobile phones in {region}")
        digits = str(example.national_number)
        while True:
            own = self._random.randrange(10**_OWN_DIGITS)
            number = PhoneNumber(
                country_code=example.country_code,
                national_number=int(f"{digits[:-_OWN_DIGITS]}{own:0{_OWN_DIGITS}}"),
                italian_leading_zero=example.italian_leading_zero,
            )
            written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            if written not in self._given and phonenumbers.is_valid_number(number):
                self._given.add(written)
                return written
