"""Whose turn it is to leave by a sender that may send only so fast: a number, a messaging service.

A sender has one line of slots, a gap apart. A message that cannot leave at once takes the next free slot and comes back
when it is due. As a conversation has one message at a time on its way (the outbox's order key), the line goes round the
conversations: whoever has a hundred messages waiting stands in it once.
"""

from __future__ import annotations

from sqlalchemy import select, update

from hub.store import tables as t
from hub.store.unit_of_work import Tx

SECOND = 1_000_000
# How late a message may use its slot; the sweeper's round, where nobody told it when to look.
LATE = SECOND // 2

_s, _o = t.sender_pace.c, t.outbox.c


def take_slot(tx: Tx, outbox_id: int, sender: str, messages_per_second: float) -> int:
    """When a row's message may leave by a sender: `tx.now` means now, and then the slot is used up.

    In any time of W seconds at most `messages_per_second` × (W + max(gap, 0.5)) + 1 messages leave: slots are a gap
    apart, and one that was missed by more than a gap (a crash, a long queue) is not made up for but taken anew, so that
    what was held up does not leave all at once.
    """
    gap = int(SECOND / messages_per_second)
    # Locks the sender's row, made if it is not there: two rows never take one slot.
    tx.upsert(t.sender_pace, {"sender": sender}, {"next_at": 0}, add="next_at")
    pace = tx.connection.execute(select(_s.next_at, _s.paused_until).where(_s.sender == sender)).one()
    slot = tx.connection.execute(select(_o.slot_at).where(_o.id == outbox_id)).scalar_one()
    if slot > tx.now:
        return int(slot)
    if slot == 0 or tx.now > slot + max(gap, LATE) or tx.now < pace.paused_until:
        slot = max(tx.now, pace.next_at, pace.paused_until)
        tx.change(t.sender_pace, {"sender": sender}, {"next_at": slot + gap})
    tx.connection.execute(update(t.outbox).where(_o.id == outbox_id).values(slot_at=slot if slot > tx.now else 0))
    return int(max(slot, tx.now))


def pause(tx: Tx, sender: str, until: int) -> None:
    """Nothing leaves by this sender before a time (microseconds): its provider asked for that."""
    tx.upsert(t.sender_pace, {"sender": sender}, {"next_at": 0}, add="next_at")
    tx.connection.execute(
        update(t.sender_pace).where(_s.sender == sender, _s.paused_until < until).values(paused_until=until)
    )
