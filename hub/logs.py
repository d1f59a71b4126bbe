"""How a process of the hub logs."""

from __future__ import annotations

import logging

from hub.domain.errors import DatabaseAway


def begin() -> None:
    """Logs to standard error from INFO on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("httpx", "alembic.runtime", "rq.worker"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(briefly)


def briefly(record: logging.LogRecord) -> bool:
    """A filter that lets everything pass, but without a traceback where the database is away: every thread says so
    again and again, and where it noticed helps nobody."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, DatabaseAway):
        record.msg, record.args = f"{record.getMessage()}: {error}", ()
        record.exc_info = record.exc_text = None
    return True
