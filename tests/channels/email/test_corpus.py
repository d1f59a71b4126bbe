"""The corpus: all mails read or visibly refused, and read rightly."""

from __future__ import annotations

import pytest

from channels.email.mime import Mail, Unparsed
from tests.channels.email.corpus import Sample, samples
from tests.channels.email.judge import failures, own_text_right, read

CORPUS = samples()
GROUPS = sorted({one.name.split("/")[0] for one in CORPUS})


def test_the_corpus_is_large_and_half_of_it_is_broken() -> None:
    assert len(CORPUS) >= 300
    assert sum(one.broken for one in CORPUS) * 2 >= len(CORPUS)
    assert samples.__wrapped__() == CORPUS, "the same list at each call"


@pytest.mark.parametrize("group", GROUPS)
def test_mails_come_out_as_they_must(group: str) -> None:
    wrong = {one.name: failures(one) for one in CORPUS if one.name.split("/")[0] == group}
    assert {name: found for name, found in wrong.items() if found} == {}


def test_every_mail_is_read_or_refused_with_its_bytes() -> None:
    for one in CORPUS:
        mail = read(one.raw)
        assert isinstance(mail, Mail | Unparsed)
        assert mail.raw == one.raw
        if isinstance(mail, Unparsed):
            assert mail.reason


@pytest.mark.parametrize("group", ["reply", "damaged", "kind"])
def test_own_text_is_right_in_95_of_100(group: str) -> None:
    replies: list[Sample] = [one for one in CORPUS if one.own_text is not None and one.name.startswith(f"{group}/")]
    wrong = [one.name for one in replies if not own_text_right(one)]
    assert len(wrong) <= len(replies) * 0.05, wrong
