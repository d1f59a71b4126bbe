"""Apertium as `kb` uses it: Spanish into English, within one process that stays."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.domain.errors import Unavailable
from kb import translation
from kb.translation import Translator

pytestmark = pytest.mark.skipif(not translation.available(), reason="Debian's apertium-eng-spa is not installed")


@pytest.fixture(scope="module")
def translator() -> Iterator[Translator]:
    one = Translator()
    yield one
    one._end()


def test_each_text_has_its_own_translation(translator: Translator) -> None:
    texts = ["quiero devolver los zapatos", "no recuerdo mi clave", "", "¿Aceptan tarjetas?"]
    found = translator.english(texts)
    assert [word in text for word, text in zip(["shoes", "key", "", "cards"], found, strict=True)] == [True] * 4
    assert found[2] == ""


def test_accents_that_were_left_out_are_restored(translator: Translator) -> None:
    assert translator.english(["todavia no me llega"]) == translator.english(["todavía no me llega"])


@pytest.mark.parametrize(
    "text", ["a[b]c", "^quiero/x<vblex>$", "@ } { \\", "\0", "hola\n\n\0adiós", "[][]\0", "😀 hola"]
)
def test_signs_of_its_own_stream_do_not_put_it_out_of_step(translator: Translator, text: str) -> None:
    translator.english([text])
    assert translator.english(["mi contraseña"]) == ["My password."]


def test_it_starts_anew_after_its_programs_died(translator: Translator) -> None:
    before = translator.english(["hola"])
    os.kill(translator._programs[3].pid, signal.SIGKILL)
    translator._programs[3].wait()
    with pytest.raises(Unavailable):
        translator.english(["hola"])
    assert translator.english(["hola"]) == before


def test_its_programs_end_with_it() -> None:
    one = Translator()
    one.english(["hola"])
    pids = [program.pid for program in one._programs]
    del one
    gc.collect()
    assert pids
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
