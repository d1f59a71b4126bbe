"""Named places around every commit and every send, at which a test has the process die, wait or find the disk full.

Off unless a test's own process arms them: no setting and no request can. Off, a place costs the call of an empty
function (docs/faults.md says how much that is).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

# What is true at each place. A test finds each of them in the code, and nothing else there.
PLACES: Mapping[str, str] = {
    "webhook.read": "a provider's call is verified and read, nothing of it is stored",
    "webhook.stored": "it is stored, the provider has no answer yet",
    "mail.kept": "the bytes of a mail are in the file store, no row tells of them",
    "mail.stored": "a mail is stored, its sender has no answer yet",
    "store.ready": "use cases have run in a transaction, it is not committed",
    "store.committed": "it is committed, nobody knows",
    "store.told": "runner and screens were told, the callers were not",
    "job.claimed": "an outbox row is somebody's, nothing of its work is done",
    "job.done": "its work outside is done, what follows from that is not written",
    "job.written": "that is committed together with the row's end",
    "send.begun": "a message is marked as being sent, its provider was not called",
    "send.answered": "the provider has answered, the answer is not stored",
    "turn.answered": "bot and knowledge base have answered, nothing is decided",
    "sweep.offered": "the sweeper has taken rows to offer, nobody was told of them",
    "push.read": "a page of the feed is read for the open screens, none was told",
}


def _nothing(_: str) -> None:
    pass


reach: Callable[[str], None] = _nothing


def arm(hook: Callable[[str], None]) -> None:
    """Has `hook` called, with the place's name, in whichever thread comes to one. For tests' own processes."""
    global reach  # an attribute of the module is the cheapest thing to leave empty
    reach = hook
