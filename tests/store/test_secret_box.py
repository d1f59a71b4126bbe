"""Secrets at rest."""

from __future__ import annotations

import pytest
from cryptography.fernet import InvalidToken
from hypothesis import given
from hypothesis import strategies as st

from hub.store.secret_box import SecretBox

BOX = SecretBox(b"a key for tests that is long enough")


@given(st.text())
def test_what_is_sealed_is_opened_again_and_cannot_be_read(secret: str) -> None:
    sealed = BOX.seal(secret)
    assert BOX.open(sealed) == secret
    assert len(secret) < 4 or secret not in sealed
    assert BOX.seal(secret) != sealed, "two seals of one secret do not show that they are alike"


def test_what_was_changed_is_not_opened() -> None:
    sealed = BOX.seal("a token")
    for place in range(0, len(sealed) - 2, 7):
        other = "A" if sealed[place] != "A" else "B"
        with pytest.raises(InvalidToken):
            BOX.open(sealed[:place] + other + sealed[place + 1 :])
    for broken in ("", "nothing sealed", sealed[:-8]):
        with pytest.raises(InvalidToken):
            BOX.open(broken)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(InvalidToken):
        SecretBox(b"another key that is long enough, too").open(BOX.seal("a token"))


def test_every_purpose_has_a_key_of_its_own_that_stays() -> None:
    keys = {purpose: BOX.derive(purpose) for purpose in ("secrets at rest", "web chat visitors", "")}
    assert len(set(keys.values())) == 3
    assert {len(key) for key in keys.values()} == {32}
    assert BOX.derive("web chat visitors") == keys["web chat visitors"]
    # A fixed value: another one would make every stored secret unreadable.
    assert BOX.derive("secrets at rest").hex()[:16] == "568208fcadc67502"
