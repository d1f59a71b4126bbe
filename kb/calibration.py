"""From evidence to a probability: a logistic for each set of models, fitted offline (`python -m kb.fit`), kept as data.

A cosine says little by itself (one model's .8 is another's .3), so nothing here holds a threshold, and a set of models
that was never fitted has no confidence at all: its answers count as unsure.
"""

from __future__ import annotations

import bisect
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.domain.errors import Refused
from kb.fusion import Evidence

PACKAGED_FILE = Path(__file__).with_name("calibration.json")


@dataclass(frozen=True, slots=True)
class Logistic:
    """p = 1 / (1 + exp(-(intercept + Σ coefficients · features))); features by name, see `Evidence.features`."""

    intercept: float
    coefficients: Mapping[str, float]

    def probability(self, evidence: Evidence) -> float:
        """Probability, 0 to 1, that the answer with this evidence is right."""
        features = evidence.features()
        total = self.intercept + sum(value * features[name] for name, value in self.coefficients.items())
        return 1 / (1 + math.exp(-max(-60.0, min(60.0, total))))


@dataclass(frozen=True, slots=True)
class Calibration:
    """The logistics of one set of models: one for each number of encoders that read message and answer.

    `id` is empty where none was fitted. `precisions` says what share of the answers at least as sure as a
    confidence was right when this was fitted: (confidence, share), rising.
    """

    id: str
    by_encoders: Mapping[int, Logistic]
    precisions: tuple[tuple[float, float], ...] = ()

    def probability(self, evidence: Evidence, encoders: int) -> float:
        """Probability, 0 to 1, that an answer is right; 0 where nothing was fitted.

        Args:
            evidence: of the answer.
            encoders: how many encoders read both the message and the answer.
        """
        logistic = self.by_encoders.get(encoders)
        return logistic.probability(evidence) if logistic else 0.0

    def precision(self, confidence: float) -> float:
        """The share, 0 to 1, that is right of all answers at least as sure as this one; 0 where nothing was fitted."""
        if not self.precisions:
            return 0.0
        confidences, shares = zip(*self.precisions, strict=True)
        place = bisect.bisect_right(confidences, confidence)
        return shares[place - 1] if place else 0.0


UNFITTED = Calibration("", {})


def read(file: Path, model_id: str) -> Calibration:
    """The calibration of a set of models; `UNFITTED` when the file has none for it.

    The file is a JSON object by model id: `{"<model id>": {"id": …, "logistics": {"<encoders>": {"intercept": …,
    "coefficients": {"<feature>": …}}}, "precisions": [[<confidence>, <share>], …], …}}`; what else is in it is for
    readers.

    Raises:
        Refused: the file is not of that form or was fitted on other features.
    """
    try:
        entry = json.loads(file.read_text(encoding="utf-8")).get(model_id)
        if entry is None:
            return UNFITTED
        logistics = {int(encoders): _logistic(int(encoders), values) for encoders, values in entry["logistics"].items()}
        precisions = tuple((float(confidence), float(share)) for confidence, share in entry["precisions"])
        return Calibration(str(entry["id"]), logistics, precisions)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as broken:
        raise Refused("calibration file", f"must hold logistics by model id: {broken!r}") from broken


def _logistic(encoders: int, values: Mapping[str, Any]) -> Logistic:
    coefficients = {str(name): float(value) for name, value in values["coefficients"].items()}
    known = Evidence((0.0,) * encoders, (0.0,) * encoders, 0, 0, 0, 0, 0, 0).features()
    if set(coefficients) != set(known):
        raise Refused("calibration file", f"must be fitted on the features {', '.join(known)}")
    return Logistic(float(values["intercept"]), coefficients)
