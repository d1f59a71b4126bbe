"""Whose turn it is to leave by a sender that may send only so fast: a number, a messaging service.

A sender has one line of slots, a gap apart. A message that cannot leave at once takes the next free slot and comes back
when it is due. As a conversation has one message at a time on its way (the outbox's order key), the line goes round the
conversations: whoever has a hundred messages waiting stands in it once.

A slot is a place in the line, not a right: a message leaves only when the gap since the last one is over. So a hub that
was held up, or stood still, does not make up for it by a burst.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select, update

from hub.store import tables as t
from hub.store.prepared import Prepared
from hub.store.unit_of_work import Tx

SECOND = 1_000_000
# How late a message may come and keep its place; the sweeper's round, where nobody told it when to look.
LATE = SECOND // 2
# How late it may come without making the one behind it wait as well: threads are not woken to the microsecond.
JITTER = SECOND // 20

_s, _o = t.sender_pace.c, t.outbox.c
_PACE_AND_SLOT = Prepared(
    select(_s.next_at, _s.paused_until, _o.slot_at)
    .join_from(t.sender_pace, t.outbox, _o.id == bindparam("which"))
    .where(_s.sender == bindparam("whose"))
)


def take_slot(tx: Tx, outbox_id: int, sender: str, messages_per_second: float) -> int:
    """When a row's message may leave by a sender: `tx.now` means now, and then the slot is used up.

    In any time of W seconds at most `messages_per_second` × (W + min(gap / 2, 0.05)) + 1 messages leave.
    """
    gap = int(SECOND / messages_per_second)
    # Locks the sender's row, made if it is not there: two rows never take one slot.
    tx.upsert(t.sender_pace, {"sender": sender}, {"next_at": 0}, add="next_at")
    next_at, paused_until, slot = tx.run(_PACE_AND_SLOT, {"which": outbox_id, "whose": sender}).fetchone()
    if slot > tx.now:
        return int(slot)
    if tx.now >= paused_until and (slot or tx.now >= next_at):
        left_at = slot if slot and tx.now - slot <= min(gap // 2, JITTER) else tx.now
        change = {"next_at": max(next_at, left_at + gap), "paused_until": left_at + gap}
        tx.change(t.sender_pace, {"sender": sender}, change)
        if slot:
            tx.change(t.outbox, {"id": outbox_id}, {"slot_at": 0})
        return tx.now
    if slot and tx.now - slot <= max(gap, LATE) and paused_until - tx.now <= gap:
        slot = int(paused_until)  # somebody who was late has just left: it goes on from there
    else:
        slot = max(tx.now, next_at, paused_until)
        tx.change(t.sender_pace, {"sender": sender}, {"next_at": slot + gap})
    tx.change(t.outbox, {"id": outbox_id}, {"slot_at": slot})
    return int(slot)


def pause(tx: Tx, sender: str, until: int) -> None:
    """Nothing leaves by this sender before a time (microseconds): its provider asked for that."""
    tx.upsert(t.sender_pace, {"sender": sender}, {"next_at": 0}, add="next_at")
    tx.connection.execute(
        update(t.sender_pace).where(_s.sender == sender, _s.paused_until < until).values(paused_until=until)
    )
