"""Runs one outbox row. The same function in a thread of `serve` and in a worker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from ulid import ULID

from hub import failpoints
from hub.domain.errors import ChannelError, HubError, Unavailable
from hub.hub import Hub
from hub.jobs.handlers import SECOND, Job
from hub.services.work import Wait, Work, asked_pause
from hub.store.queries import outbox
from hub.store.unit_of_work import Result, Tx, UseCase

log = logging.getLogger(__name__)

LONGEST_PAUSE = 300 * SECOND


class LeaseLost(HubError):
    """Somebody else runs the row by now; what we did must not be written."""

    error_id = "lease_lost"


class Runner:
    """Runs rows with the hub's parts. `expect` is told when a row that has to wait will be due, in microseconds.

    Args:
        hub: what handlers work with.
        jobs: handlers by name.
    """

    def __init__(self, hub: Hub, jobs: Mapping[str, Job]) -> None:
        self._hub = hub
        self._jobs = jobs
        self.expect: Callable[[int], None] = lambda _: None
        self._leases = {name: job.lease for name, job in jobs.items()}

    def run(self, outbox_id: int) -> bool:
        """Runs a row if it is free to run. Returns whether it was. Never raises for what a handler does."""
        lease = str(ULID())
        claimed = self._write(lambda tx: outbox.claim(tx, outbox_id, lease=lease, leases=self._leases))
        if claimed is None:
            return False
        failpoints.reach("job.claimed")
        job = self._jobs[claimed.handler]

        def hold(tx: Tx) -> None:
            if not outbox.renew(tx, claimed, lease=lease, until=tx.now + job.lease):
                raise LeaseLost(f"row {claimed.id}")

        work = Work(
            outbox_id=claimed.id,
            recorded=claimed.recorded,
            attempt=claimed.attempts,
            interrupted=claimed.attempts - 1 > claimed.failures,
            last_attempt=claimed.attempts >= job.attempts,
            hold=hold,
        )
        try:
            outcome = job.run(self._hub, work)
            failpoints.reach("job.done")
            if isinstance(outcome, Wait):
                self._put_back(claimed, lease, outcome.until)
            else:
                self._finish(claimed, lease, outcome)
            failpoints.reach("job.written")
        except LeaseLost:
            log.warning("outbox row %s (%s): the lease was lost", claimed.id, claimed.handler)
        except Exception as error:  # the edge: whatever a handler raises is recorded with its row
            self._fail(claimed, lease, job, work, error)
        return True

    def _finish(self, claimed: outbox.Claimed, lease: str, use_case: UseCase[None]) -> None:
        def write(tx: Tx) -> None:
            use_case(tx)
            if not outbox.finish(tx, claimed, lease=lease):
                raise LeaseLost(f"row {claimed.id}")
            _pass_on(tx, claimed)

        self._write(write)

    def _put_back(self, claimed: outbox.Claimed, lease: str, until: int) -> None:
        if not self._write(lambda tx: outbox.put_back(tx, claimed, lease=lease, until=until)):
            raise LeaseLost(f"row {claimed.id}")
        self.expect(until)

    def _fail(self, claimed: outbox.Claimed, lease: str, job: Job, work: Work, error: Exception) -> None:
        dies = work.last_attempt or (isinstance(error, ChannelError) and error.permanent)
        if isinstance(error, ChannelError | Unavailable):
            log.warning("outbox row %s (%s), attempt %s: %s", claimed.id, claimed.handler, work.attempt, error)
        else:
            log.error("outbox row %s (%s), attempt %s", claimed.id, claimed.handler, work.attempt, exc_info=error)

        def write(tx: Tx) -> int | None:
            due_at = None if dies else tx.now + pause(work.attempt, error)
            text = f"{type(error).__name__}: {error}"
            # Only a channel's word says that nothing has left: an outcome that was not written may have been a success.
            known = isinstance(error, ChannelError)
            if outbox.fail(tx, claimed, lease=lease, error=text, due_at=due_at, known=known) and dies:
                job.gave_up(self._hub, replace(work, interrupted=not known))(tx)
                _pass_on(tx, claimed)
            return due_at

        due_at = self._write(write)
        if due_at is not None:
            self.expect(due_at)

    def _write(self, use_case: UseCase[Result]) -> Result:
        """Behind what somebody waits for: rows wait in the outbox, and lose nothing by it."""
        return self._hub.store.write(use_case, later=True)


def _pass_on(tx: Tx, claimed: outbox.Claimed) -> None:
    following = outbox.next_in_line(tx, claimed)
    if following is not None:
        tx.nudges.append(following)


def pause(attempt: int, error: Exception) -> int:
    """How long to wait before the next attempt, microseconds: what the provider asked for, else 1, 2, 4… seconds."""
    asked = asked_pause(error) if isinstance(error, ChannelError) else None
    if asked is not None:
        return asked
    return int(min(SECOND << (attempt - 1), LONGEST_PAUSE))
