"""Public holidays, as the library `holidays` knows them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from importlib import import_module

from hub.domain.errors import Refused

# Years from now: so long does a version of open hours know its holidays. Beyond, the library only guesses anyway.
YEARS = 5


def dates(country: str, region: str, now: int) -> tuple[date, ...]:
    """The holidays of a country (ISO 3166-1 alpha-2), or of a region of it, from this year on.

    Args:
        country: as `ES`.
        region: as `MD`, or empty.
        now: microseconds since 1970 UTC.

    Raises:
        Refused: no such country or region.
    """
    holidays = import_module("holidays")  # by its name: 6 MB, for who sets open hours
    known = holidays.list_supported_countries(include_aliases=False)
    if country not in known:
        raise Refused("country", "must be a country's code of two letters, as ES")
    if region and region not in known[country]:
        raise Refused("region", f"must be a region of {country}: {', '.join(known[country]) or 'it has none'}")
    year = datetime.fromtimestamp(now / 1_000_000, UTC).year
    found = holidays.country_holidays(country, subdiv=region or None, years=range(year, year + YEARS))
    return tuple(sorted(found))
