"""Whether somebody is there, and when again."""

from __future__ import annotations

from dataclasses import dataclass

from hub.domain import hours
from hub.domain.conversation import Conversation
from hub.domain.hours import Hours
from hub.domain.rendering import closed_text
from hub.store.rulebook import Rulebook
from hub.store.unit_of_work import Reading, Tx


@dataclass(frozen=True, slots=True)
class Closed:
    """Nobody is there until `opens_at` (microseconds); None where no hour is stated at which somebody will be."""

    hours: Hours
    opens_at: int | None


def closed(connection: Reading, rulebook: Rulebook, team_id: str, inbox_id: str, now: int) -> Closed | None:
    """Whether the team, else the inbox, is closed; None where it is open, or where nobody stated its hours."""
    stated = rulebook.hours(connection, rulebook.hours_of(connection, team_id, inbox_id))
    opens_at = hours.next_opening(stated, now)
    return None if opens_at == now else Closed(stated, opens_at)


AHEAD = 8 * 24 * 3_600_000_000


def windows(
    connection: Reading, rulebook: Rulebook, team_id: str, inbox_id: str, now: int
) -> list[tuple[int, int]] | None:
    """When somebody is there in the next eight days, (begins, ends) in microseconds: at least the next time, however
    far away that is, where there is one. None where nobody stated hours: then somebody always is."""
    version = rulebook.hours_of(connection, team_id, inbox_id)
    if not version:
        return None
    stated = rulebook.hours(connection, version)
    found = hours.open_between(stated, now, now + AHEAD)
    begins = None if found else hours.next_opening(stated, now)
    return found if begins is None else [(begins, hours.open_between(stated, begins, begins + AHEAD)[0][1])]


def told(tx: Tx, conversation: Conversation) -> list[str]:
    """The sentences that tell a customer when somebody is there again; none while somebody is."""
    found = closed(tx.connection, tx.rulebook, conversation.team_id, conversation.inbox_id, tx.now)
    if found is None or found.opens_at is None:
        return []
    now, opens = hours.local(found.hours, tx.now), hours.local(found.hours, found.opens_at)
    return [closed_text(now, opens, found.hours.zone, conversation.language)]
