"""Rasa's component for intents on sentence models: `intent_classifier.SentenceIntentClassifier` in config.yml.

Featurizers are not needed before it; entities stay with their own extractors. Its confidences are such that 0.65 is the
threshold that it chose on its examples (`intent_model`), whatever they are: FallbackClassifier keeps that number.
"""

from __future__ import annotations

import logging

from typing import Any

import intent_model
import numpy as np
import sentence_models
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, INTENT_NAME_KEY, INTENT_RANKING_KEY, PREDICTED_CONFIDENCE_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

logger = logging.getLogger(__name__)

FILE = "intents.npz"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class SentenceIntentClassifier(IntentClassifier, GraphComponent):
    """Options: `outside`, the intent whose examples mean none of the others; `ranking_length`."""

    def __init__(self, config, model_storage, resource, model=None):
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._model = model

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> SentenceIntentClassifier:
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **_: Any,
    ) -> SentenceIntentClassifier:
        with model_storage.read_from(resource) as folder:
            if not (folder / FILE).exists():  # trained on no examples
                return cls(config, model_storage, resource)
            with np.load(folder / FILE) as arrays:
                model = intent_model.IntentModel(dict(arrays))
        sentence_models.encode(["hello"])  # loads them while the server starts, not while the first customer waits
        return cls(config, model_storage, resource, model)

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"outside": "out_of_scope", "ranking_length": 10}

    @staticmethod
    def required_packages() -> list[str]:
        return ["onnxruntime", "sklearn", "tokenizers"]

    def train(self, training_data: TrainingData) -> Resource:
        """Fits and stores the model; returns where."""
        # In a fixed order: how the project's files are cut must not change the model.
        examples = sorted(
            (example.get(TEXT), example.get(INTENT))
            for example in training_data.intent_examples
            if example.get(TEXT) and example.get(INTENT)
        )
        if not examples:
            return self._resource
        texts, intents = [text for text, _ in examples], [intent for _, intent in examples]
        logger.info("Intents: reading %d examples", len(texts))
        vectors = sentence_models.encode(texts)
        arrays = intent_model.fit(
            texts, vectors, intents, self._config["outside"], lambda what: logger.info("Intents: %s", what)
        )
        with self._model_storage.write_to(self._resource) as folder:
            np.savez(folder / FILE, **arrays)
        self._model = intent_model.IntentModel(arrays)
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Sets `intent` and `intent_ranking` of messages that have a text, in Rasa's own shape."""
        read = [message for message in messages if message.get(TEXT)]
        if self._model is None or not read:
            return messages
        texts = [message.get(TEXT) for message in read]
        for message, confidences in zip(read, self._model.read(texts, sentence_models.encode(texts))):
            order = np.argsort(-confidences, kind="stable")[: self._config["ranking_length"]]
            ranking = [
                {INTENT_NAME_KEY: self._model.names[index], PREDICTED_CONFIDENCE_KEY: float(confidences[index])}
                for index in order
            ]
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages
