"""Spanish put into English by Apertium, so that the sentence model that reads English best can read it too.

Apertium (Debian's `apertium` and `apertium-eng-spa`, GPL, programs of their own) translates by dictionaries and
rules: word for word rather than well, but in milliseconds and with no network. A message typed without accents has them
restored, by its analyser and its tagger, on the way.
"""

from __future__ import annotations

import os
import re
import select
import shlex
import shutil
import subprocess
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from hub.domain.errors import Unavailable

# A mode is a file with the line of programs that Apertium itself runs: `lt-proc DICTIONARY | apertium-tagger …`.
_MODES = Path("/usr/share/apertium/modes")
_MODE = "spa-eng"
LANGUAGE = "es"
"""What is translated, into English."""

_ACCENTS = Path(__file__).with_name("restored_accents.xml")

# Signs that Apertium's own stream is made of.
_RESERVED = re.compile(r"[\[\]{}^$/\\@<>\0\s]+")
# An empty blank: the tagger holds a sentence back until it sees what comes after it.
_END = "[]\0"
_SECONDS = 3.0


def available() -> bool:
    """Whether Apertium and its Spanish are installed."""
    return shutil.which("lt-proc") is not None and (_MODES / f"{_MODE}.mode").exists()


class Translator:
    """Spanish into English. Its programs start with the first text and end with this object; for one thread only."""

    def __init__(self) -> None:
        self._programs: list[subprocess.Popen[bytes]] = []
        self._end = weakref.finalize(self, _end, self._programs)

    def english(self, texts: Sequence[str]) -> list[str]:
        """The texts in English, as far as their words are known.

        Raises:
            Unavailable: the programs died or took more than three seconds over a text; they start anew with the next.
        """
        try:
            return [self._one(text) for text in texts]
        except (OSError, Unavailable) as error:
            _end(self._programs)
            raise Unavailable("the translation into English is interrupted", retry_after=1) from error

    def _one(self, text: str) -> str:
        sentence = _RESERVED.sub(" ", text).strip()
        if not sentence:
            return ""
        if not self._programs:
            _start(self._programs)
        if any(program.poll() is not None for program in self._programs):
            raise Unavailable("a program of the translation has died", retry_after=1)
        given, taken = self._programs[0].stdin, self._programs[-1].stdout
        if given is None or taken is None:
            raise TypeError("the programs have pipes")
        full_stop = "." if sentence[-1].isalnum() else ""
        given.write(f"{sentence}{full_stop}{_END}".encode())
        given.flush()
        until, found = time.monotonic() + _SECONDS, b""
        while not found.endswith(b"\0"):
            ready, _, _ = select.select([taken], [], [], max(until - time.monotonic(), 0))
            part = os.read(taken.fileno(), 65536) if ready else b""
            if not part:
                raise Unavailable("the translation does not come", retry_after=1)
            found += part
        return found.decode("utf-8", "replace").rstrip("\0").replace("[]", "").strip()


def _start(programs: list[subprocess.Popen[bytes]]) -> None:
    line = (_MODES / f"{_MODE}.mode").read_text(encoding="utf-8")
    source: int | IO[bytes] | None = subprocess.PIPE
    for number, part in enumerate(line.split("|")):
        # `$1` is how unknown words are marked, here not at all; `$2` how ambiguous ones are.
        program, *given = [word for word in shlex.split(part.replace("$1", "-n").replace("$2", "")) if word]
        restored = ["-r", str(_ACCENTS)] if number == 0 else []
        started = subprocess.Popen(  # noqa: S603  # what the package itself runs
            [program, "-z", *restored, *given],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if programs and programs[-1].stdout is not None:
            programs[-1].stdout.close()  # the next program's now
        source = started.stdout
        programs.append(started)


def _end(programs: list[subprocess.Popen[bytes]]) -> None:
    for program in programs:
        program.kill()
        program.wait()
        for pipe in (program.stdin, program.stdout):
            if pipe is not None:
                pipe.close()
    programs.clear()
