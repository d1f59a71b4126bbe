"""How far the proof of one address reaches, and what it is asked for. Pure; the store looks the addresses up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

# Evidence that names the person, whoever says it: the shop signed it, or an address proved another.
PROOF = frozenset({"signed_identity", "verified"})
SAME_NUMBER = "same_number"
STATED = "stated"
# The address came by a link that was given to this contact once, and is good for minutes.
SIGNED_LINK = "signed_link"
# Who is proved to be themselves vouches for these; they prove nothing of who named them.
_ONE_WAY = frozenset({STATED, SIGNED_LINK})
_BOTH_WAYS = PROOF | {SAME_NUMBER}

LEVELS = ("none", "claimed", "verified")
# What is done for a customer only from a level on. Whoever does it asks `may`, on every path.
REQUIRED: Mapping[str, str] = {"tell_order": "verified"}
# So many questions answered right, and none wrong, are a proof; fewer are a claim.
RIGHT_ANSWERS = 2


def may(action: str, level: str) -> bool:
    """Whether a verified level is enough for an action of `REQUIRED`. Raises KeyError for another action."""
    return LEVELS.index(level) >= LEVELS.index(REQUIRED[action])


def level_of_answers(asked: Collection[str], right: Collection[str]) -> str:
    """The level of a customer who was asked for fields of theirs and answered some right."""
    if not right:
        return "none"
    return "verified" if len(set(right)) >= RIGHT_ANSWERS and set(right) == set(asked) else "claimed"


@dataclass(frozen=True, slots=True)
class Link:
    """An address of a contact and how we know: its evidence, and the identity whose owner named it (or is named)."""

    identity_id: str
    channel: str
    evidence: str
    stated_by: str = ""


def effective_level(level: str, verified_identity: str, writer: str, links: Collection[Link]) -> str:
    """The verified level that whoever writes from an address has.

    Args:
        level: what was reached in the conversation.
        verified_identity: the address that reached it; empty where that is not known.
        writer: the address that is asked for.
        links: the contact's addresses; what is not in here belongs to somebody else by now.
    """
    if level == "none" or not verified_identity:
        return "none"
    if writer == verified_identity:
        return level
    known = {link.identity_id: link for link in links}
    # Anybody can make a telephone show any number, and the answer is heard by the caller, not by the number's owner.
    if writer not in known or verified_identity not in known or known[writer].channel == "voice":
        return "none"
    return level if writer in _vouched_for(verified_identity, links) else "none"


def _vouched_for(identity_id: str, links: Collection[Link]) -> set[str]:
    """The addresses that are proved to be the same person's, and those that this person named or went on from.

    What somebody names is theirs as far as they are concerned, and so is where a link takes them that they were given.
    The other way round it proves nothing: whoever states a number in a chat does not become its owner.
    """
    person = _closed({identity_id}, links)
    named = {link.identity_id for link in links if link.evidence in _ONE_WAY and link.stated_by in person}
    return _closed(person | named, links)


def _closed(found: set[str], links: Collection[Link]) -> set[str]:
    found = set(found)
    grown = True
    while grown:
        before = len(found)
        for link in links:
            if link.evidence in _BOTH_WAYS and link.stated_by and {link.identity_id, link.stated_by} & found:
                found |= {link.identity_id, link.stated_by}
        grown = len(found) > before
    return found
