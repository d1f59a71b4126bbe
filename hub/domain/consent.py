"""The words by which customers say whether they may be written to, in English and Spanish.

A word counts only where the message is nothing but the word: "Stop" forbids, "please stop the delivery" does not. That
is the networks' rule and Twilio's ("Only when the full message body matches the keyword", help page "How to track
opt-out, opt-in and help messages"). Case, accents, punctuation, spaces and repetition make no difference, for people
write "¡ALTO!" and "stop stop".

Sources of the words: Twilio's "Customize users' opt-in and opt-out experience" (STOP, STOPALL, UNSUBSCRIBE, REVOKE,
OPTOUT; START, UNSTOP; HELP, INFO) and what Spanish-speaking firms announce in their texts (BAJA, ALTO, PARAR; ALTA).

Left out on purpose: in a shop's conversation CANCEL and CANCELAR mean an order, END, QUIT, FIN and SALIR the talk, YES
and SÍ answer a question. Whoever takes them for the end of all contact loses a customer who wanted to be helped.
`UNITED_STATES_STOP` are those of them that revoke consent by law there, whatever the sender thinks (47 CFR
64.1200(a)(10), in force since 2025-04-11).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from hub.domain.errors import Refused
from hub.domain.messages import ConsentWord

_NOT_LETTERS = re.compile(r"[\W_]+")
# Longer than any of the words with all the punctuation that an angry customer adds.
_MOST = 80


@dataclass(frozen=True, slots=True)
class ConsentWords:
    """What counts as STOP, START and HELP; each in the form of `plain`.

    Raises Refused where one word would mean two things.
    """

    stop: frozenset[str]
    start: frozenset[str]
    help: frozenset[str]

    def __post_init__(self) -> None:
        for name, words, others in (
            ("start_words", self.start, self.stop),
            ("help_words", self.help, self.stop | self.start),
        ):
            if both := words & others:
                raise Refused(name, f"must not hold {min(both)!r}, which means something else already")


def plain(text: str) -> str:
    """The letters and digits of a text in lower case without accents; words apart by one space, repeated ones once."""
    # Twice: the decomposed form may have capitals, and their small letters may have accents.
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(dict.fromkeys(_NOT_LETTERS.sub(" ", kept).split()))


def words(*texts: str) -> frozenset[str]:
    """Each text as `plain` has it."""
    return frozenset(map(plain, texts))


UNITED_STATES_STOP = words("cancel", "end", "quit")
DEFAULT_WORDS = ConsentWords(
    stop=words(
        *("stop", "stopall", "stop all", "unsubscribe", "optout", "opt out", "revoke"),
        *("alto", "parar", "baja", "dar de baja", "darme de baja", "no más mensajes"),
    ),
    start=words("start", "unstop", "alta", "dar de alta", "darme de alta", "reanudar"),
    help=words("help", "info", "ayuda"),
)


def consent_word(
    text: str, known: ConsentWords = DEFAULT_WORDS, *, also_stop: Iterable[str] = ()
) -> ConsentWord | None:
    """What a message asks for where it is nothing but one of the words; None for every other message.

    Args:
        text: as the customer wrote it.
        known: the inbox's words.
        also_stop: more words that mean STOP for this customer, as `plain` has them.
    """
    if len(text) > _MOST:
        return None
    word = plain(text)
    if word in known.stop or word in also_stop:
        return ConsentWord.STOP
    if word in known.start:
        return ConsentWord.START
    return ConsentWord.HELP if word in known.help else None
