"""Groups of texts that mean the same, and what they are called. The vectors are made by hand: no model is loaded."""

from __future__ import annotations

import numpy as np
import pytest

from kb.likeness import groups, imprint, likeness


def at(angle: float) -> bytes:
    """A vector at an angle in degrees."""
    turned = np.radians(angle)
    return imprint(np.array([np.cos(turned), np.sin(turned)], dtype=np.float32))


def test_likeness_is_the_cosine_whatever_the_length() -> None:
    long = imprint(np.array([3.0, 4.0], dtype=np.float32))
    assert likeness(long, [long, at(90)]) == pytest.approx([1, 0.8], abs=2e-3)
    assert likeness(long, []) == []


def test_everybody_in_a_group_is_like_its_centre() -> None:
    texts = ["router is slow", "slow router", "slow router again", "parcel lost", "lost parcel here", "hello"]
    angles = [0, 20, 40, 150, 170, 270]
    found = groups(texts, ["en"] * 6, [at(each) for each in angles])
    assert [each.places for each in found] == [(0, 1, 2), (3, 4), (5,)]
    assert found[0].words[:2] == ("router", "slow")
    assert "parcel" in found[1].words
    assert "here" not in found[1].words, "a word that says nothing"
    for group in found:
        alike = likeness(at(angles[group.centre]), [at(angles[place]) for place in group.places])
        assert min(alike) >= 0.5


def test_a_chain_is_not_one_group() -> None:
    """Each is like the next, the ends are strangers."""
    found = groups(["a", "b", "c", "d", "e"], ["en"] * 5, [at(50 * step) for step in range(5)])
    assert sorted(place for each in found for place in each.places) == [0, 1, 2, 3, 4]
    assert max(len(each.places) for each in found) == 3


def test_nothing_has_no_groups() -> None:
    assert groups([], [], []) == ()
