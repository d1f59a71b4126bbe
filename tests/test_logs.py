"""What a log shows of errors."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from hub.domain.errors import DatabaseAway
from hub.logs import briefly


@pytest.fixture
def written() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger as the hub's are, and what it writes."""
    text, log = io.StringIO(), logging.getLogger("centralita.test_logs")
    handler = logging.StreamHandler(text)
    handler.addFilter(briefly)
    log.addHandler(handler)
    yield log, text
    log.removeHandler(handler)


def test_a_database_that_is_away_is_one_line(written: tuple[logging.Logger, io.StringIO]) -> None:
    log, text = written
    error = DatabaseAway("the database does not answer")
    error.__cause__ = OSError("connection refused")
    log.error("could not run outbox row %s", 7, exc_info=error)
    assert text.getvalue() == "could not run outbox row 7: the database does not answer\n"


def test_a_mistake_of_ours_keeps_its_traceback(written: tuple[logging.Logger, io.StringIO]) -> None:
    log, text = written
    with pytest.raises(ZeroDivisionError) as mistaken:
        1 // len(())
    log.error("a sweep failed", exc_info=mistaken.value)
    assert "Traceback" in text.getvalue()
    assert "ZeroDivisionError" in text.getvalue()
