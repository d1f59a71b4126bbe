from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hub.domain.errors import Refused
from kb.calibration import PACKAGED_FILE, UNFITTED, Calibration, Logistic, read
from kb.encoders import default_specs, model_id
from kb.fit import Row, cross_validated, fit, measures, precisions
from kb.fit import read as read_data
from kb.fusion import Evidence
from kb.search import LocalKnowledgeBase

SURE = Evidence(cosines=(0.8,), lifts=(0.5,), score=4, margin=2, agreement=1, lexical_first=1, coverage=0.9, length=1.5)
FEATURES = tuple(SURE.features())


def entry(**changes: object) -> str:
    logistic = {"intercept": -1.0, "coefficients": dict.fromkeys(FEATURES, 1.0)} | changes
    precisions = [[0.2, 0.5], [0.6, 0.9]]
    return json.dumps({"model": {"id": "c1", "logistics": {"1": logistic}, "precisions": precisions}})


def test_a_model_without_a_calibration_is_never_sure(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(entry())
    assert read(file, "another model") == UNFITTED
    assert UNFITTED.probability(SURE, 1) == 0


def test_the_logistic(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(entry())
    calibration = read(file, "model")
    assert calibration.id == "c1"
    assert calibration.probability(SURE, 1) == pytest.approx(1 / (1 + np.exp(1 - sum(SURE.features().values()))))
    assert calibration.probability(SURE, 2) == 0


def test_the_precision_is_that_of_all_answers_at_least_as_sure(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(entry())
    calibration = read(file, "model")
    assert [calibration.precision(confidence) for confidence in (0.1, 0.2, 0.5, 0.6, 1)] == [0, 0.5, 0.5, 0.9, 0.9]
    assert UNFITTED.precision(1) == 0


def test_a_fitted_precision_is_careful_and_rises_with_the_confidence() -> None:
    made = rows(600, np.random.default_rng(3))
    found = precisions(made, cross_validated(made))
    assert found == sorted(found)
    shares = [share for _, share in found]
    assert shares == sorted(shares)
    assert 0.9 < shares[-1] < 1


def test_no_overflow() -> None:
    calibration = Calibration("c", {1: Logistic(-1e6, dict.fromkeys(FEATURES, 0.0))})
    assert 0 <= calibration.probability(SURE, 1) < 1e-9


@pytest.mark.parametrize("text", ["[", "[]", '{"model": {}}', entry(coefficients={"cosine": 1}), entry(intercept="x")])
def test_a_malformed_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(text)
    with pytest.raises(Refused, match="calibration file"):
        read(file, "model")


def test_the_packaged_file_is_of_the_packaged_models() -> None:
    knowledge = LocalKnowledgeBase()
    assert knowledge.model_id.startswith(model_id(default_specs()))
    calibration = read(PACKAGED_FILE, knowledge.model_id)
    assert set(calibration.by_encoders) == {2, 3}
    assert knowledge.status()["calibration_id"] == calibration.id != ""
    for encoders in (2, 3):
        sure = replace(SURE, cosines=(0.8, 0.95, 0.9)[:encoders], lifts=(0.6, 0.15, 0.7)[:encoders])
        weak = Evidence((0.1, 0.78, 0.1)[:encoders], (0.1, 0.01, 0.1)[:encoders], 1, 0.01, 0.5, 0, 0, 1.5)
        assert calibration.probability(sure, encoders) > 0.8
        assert calibration.probability(weak, encoders) < 0.2
    assert calibration.precision(0.99) >= 0.95


def rows(count: int, chance: np.random.Generator) -> list[Row]:
    """Messages whose first answer is right the more probably the larger its margin."""
    found = []
    for number in range(count):
        margin = float(chance.normal())
        right = bool(chance.random() < 1 / (1 + np.exp(-3 * margin)))
        evidence = Evidence(
            cosines=(0.5,),
            lifts=(0.5,),
            score=1,
            margin=margin,
            agreement=1,
            lexical_first=0,
            coverage=0,
            length=float(chance.random()),
        )
        found.append(Row("made", str(number % 50), "en", 1, evidence.features(), right, True, True, 0))
    return found


def test_a_fit_finds_what_tells_right_from_wrong_and_is_calibrated() -> None:
    made = rows(600, np.random.default_rng(1))
    fitted = fit(made)
    assert max(FEATURES, key=lambda name: abs(fitted.coefficients[FEATURES.index(name)])) == "margin"
    probabilities = cross_validated(made)
    found = measures(made, probabilities)
    assert found["auroc_right"] > 0.85
    assert found["ece"] < 0.1


def test_cross_validation_never_sees_its_own_group() -> None:
    chance = np.random.default_rng(2)
    made = [
        replace(row, features=dict(zip(FEATURES, chance.random(len(FEATURES)).tolist(), strict=True)))
        for row in rows(300, chance)
    ]
    assert measures(made, cross_validated(made))["auroc_right"] < 0.6


@pytest.mark.parametrize("line", ["{", "[]", '{"text": "a"}'])
def test_malformed_data_is_refused_by_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "articles.jsonl").write_text('{"id": "a", "locale": "en", "title": "t", "body": "b"}\n')
    (tmp_path / "queries.jsonl").write_text('{"text": "q", "locale": "en", "relevant": ["a"]}\n' + line)
    with pytest.raises(Refused, match=r"queries\.jsonl line 2"):
        read_data(tmp_path)
