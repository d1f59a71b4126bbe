"""The knowledge base of one process: `hub.ports.KnowledgeBase` over an index in memory."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from hub.domain.errors import Refused, Unavailable
from hub.domain.gaps import Group
from hub.domain.knowledge import ArticleText, FoundAnswer, Passage, SearchResult
from hub.ports import Nearby
from kb import calibration, encoders, index, likeness
from kb.away import Away
from kb.calibration import Calibration
from kb.chunking import split
from kb.encoders import Encoder, EncoderSpec, Vectors
from kb.fusion import rank
from kb.language import LanguageDetector, base
from kb.translation import Translator
from kb.vectors import pack

log = logging.getLogger(__name__)

# The recipe by which passages are cut and their vectors made; a change of it makes them anew, like a change of model.
_RECIPE = "4"

# So many passages are encoded in one go (some 20 ms): a question that comes meanwhile waits for no more than that.
_BATCH = 8

# What a question is cut at: no model reads further, and nobody can make us count a megabyte.
_QUESTION_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class KnowledgeSettings:
    """How the knowledge base is set up.

    Attributes:
        model: name or folder of one sentence-transformers model in place of the packaged ones; empty for those.
        threads: how many threads one encoding may take. One is best where the cores are shared with a web server: with
            two, each waits for the other at every layer.
        calibration_file: what `python -m kb.fit` wrote; None for the packaged file.
    """

    model: str = ""
    threads: int = 1
    calibration_file: Path | None = None

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise Refused("knowledge threads", "must be at least 1")


Encode = Callable[[Sequence[str]], Vectors]
Loader = Callable[[Sequence[EncoderSpec]], tuple[Encoder, ...]]


def _yield_to_others() -> None:
    """Lets the web server and the bot go first where cores are short: a sure bot does not wait for us. (Linux has a
    priority for each thread.)"""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


class LocalKnowledgeBase:
    """Search over published passages, exact and in process. Any method may be called from any thread.

    Args:
        settings: see `KnowledgeSettings`.
        specs: the encoders, where they are not to follow from the settings (tests).
        loader: loads them; by default `kb.encoders.load`.
        fitted: the calibration, where it is not to be read from a file (tests, `kb.fit`).
    """

    def __init__(
        self,
        settings: KnowledgeSettings | None = None,
        *,
        specs: tuple[EncoderSpec, ...] = (),
        loader: Loader | None = None,
        fitted: Calibration | None = None,
    ) -> None:
        self._settings = settings or KnowledgeSettings()
        self._specs = specs or encoders.specs_of(self._settings.model)
        self._loader = loader or self._load_encoders
        self._model_id = f"{encoders.model_id(self._specs)}/{_RECIPE}"
        file = self._settings.calibration_file or calibration.PACKAGED_FILE
        self._calibration = fitted or calibration.read(file, self._model_id)
        self._languages = LanguageDetector()
        self._translator = Translator()
        self._encoders: tuple[Encoder, ...] = ()
        self._failure = ""
        # One thread encodes, whoever asks, and for questions a second one beside it, each every other model: a question
        # waits for the slower half. No model is ever entered twice. The queue is first come, first served; documents
        # come in small batches, one at a time. A third thread waits for the translation's programs, which work
        # meanwhile.
        self._encoding = ThreadPoolExecutor(max_workers=1, thread_name_prefix="encode", initializer=_yield_to_others)
        self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="beside", initializer=_yield_to_others)
        self._entered = {spec.name: threading.Lock() for spec in self._specs}
        self._translating = ThreadPoolExecutor(max_workers=1, thread_name_prefix="translate")
        self._snapshot = index.empty(len(self._specs))
        self._writing = threading.Lock()
        self._former: LocalKnowledgeBase | None = None
        self._is_fork = False
        self._warming = threading.Lock()

    @property
    def model(self) -> str:
        """The setting that names the models; empty for the packaged ones."""
        return self._settings.model

    @property
    def model_id(self) -> str:
        """Names the encoders and the recipe; passages of another model are encoded again."""
        return self._model_id

    @property
    def specs(self) -> tuple[EncoderSpec, ...]:
        """The encoders, the multilingual one first."""
        return self._specs

    def warm(self) -> None:
        """Loads the models; seconds. A second call does nothing. Raises what the loading raised; `status` tells it."""
        with self._warming:
            if self._encoders:
                return
            try:
                # In the caller's thread: the encoding thread is waited for at exit, and a load takes seconds.
                loaded = self._loader(self._specs)
                for encoder in loaded:
                    # The first call allocates and compiles: no customer's question should wait for that.
                    self._encoding.submit(encoder.encode_query, ["warm up"]).result()
            except Exception as failure:
                self._failure = f"{type(failure).__name__}: {failure}"
                raise
            self._encoders, self._failure = loaded, ""

    def status(self) -> Mapping[str, str]:
        """`state` (`warming`, `ready`, `failed`), `model_id`, `calibration_id`, `passages`, where their `vectors` are,
        and `failure` if any."""
        state = "ready" if self._encoders else "failed" if self._failure else "warming"
        found = {
            "state": state,
            "model_id": self._model_id,
            "calibration_id": self._calibration.id,
            "passages": str(len(self._snapshot.passages)),
            "vectors": "in memory" if self._snapshot.away is None else "in the database",
        }
        return found | {"failure": self._failure} if self._failure else found

    def detect_language(self, text: str, *, hint: str = "") -> str:
        """ISO 639-1 code of the text's language; the hint's (English without one) when the text cannot tell."""
        return self._languages.detect(_clean(text)[:_QUESTION_CHARACTERS], hint=hint)

    def search(self, question: str, *, language: str, limit: int = 3) -> SearchResult:
        """The best articles for a question.

        Args:
            question: any text; beyond 2,000 characters it is cut.
            language: locale or ISO 639-1 code of the question; an article answers in it where it can.
            limit: how many articles, at least 1.

        Raises:
            Unavailable: the models still warm up.
            Refused: limit.
        """
        if limit < 1:
            raise Refused("limit", "must be at least 1")
        former = self._former
        if former is not None:
            return former.search(question, language=language, limit=limit)
        return self._found([(question, language)], limit)[0]

    def search_all(self, questions: Sequence[tuple[str, str]], *, limit: int = 3) -> list[SearchResult]:
        """As `search` for each of many (question, language); several are encoded at once."""
        if limit < 1:
            raise Refused("limit", "must be at least 1")
        # Those of like length together: the shorter ones of a batch cost as much as the longest.
        order = sorted(range(len(questions)), key=lambda place: (base(questions[place][1]), len(questions[place][0])))
        batches = [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]
        found: dict[int, SearchResult] = {}
        coming: list[tuple[list[int], Callable[[], list[SearchResult]]]] = []
        for some in batches:
            # One batch is encoded while the one before is searched for.
            coming.append((some, self._finding([questions[place] for place in some], limit)))
            if len(coming) > 1:
                places, results = coming.pop(0)
                found |= zip(places, results(), strict=True)
        for places, results in coming:
            found |= zip(places, results(), strict=True)
        return [found[place] for place in range(len(questions))]

    def _found(self, questions: Sequence[tuple[str, str]], limit: int) -> list[SearchResult]:
        return self._finding(questions, limit)()

    def _finding(self, questions: Sequence[tuple[str, str]], limit: int) -> Callable[[], list[SearchResult]]:
        """Begins to encode questions; what is returned waits for that and searches."""
        self._loaded()
        asked = [(_clean(text).strip()[:_QUESTION_CHARACTERS], base(language)) for text, language in questions]
        snapshot = self._snapshot
        vectors = self._encoded(asked) if snapshot.passages else lambda: [[]] * len(asked)

        def results() -> list[SearchResult]:
            return [
                self._ranked(snapshot, text, language, queries, limit)
                for (text, language), queries in zip(asked, vectors(), strict=True)
            ]

        return results

    def _ranked(
        self, snapshot: index.Snapshot, text: str, language: str, queries: Sequence[Vectors | None], limit: int
    ) -> SearchResult:
        answers: tuple[FoundAnswer, ...] = ()
        if text and snapshot.passages:
            candidates = rank(snapshot, self._specs, queries, text, language=language, limit=limit)
            answers = tuple(
                FoundAnswer(
                    article_id=passage.article_id,
                    version=passage.version,
                    locale=passage.locale,
                    title=passage.title,
                    passage=passage.text,
                    score=candidate.score,
                    confidence=self._calibration.probability(candidate.evidence, candidate.encoders),
                )
                for candidate in candidates
                for passage in (snapshot.passages[candidate.place],)
            )
        precision = self._calibration.precision(answers[0].confidence) if answers else 0.0
        return SearchResult(answers, language, self._model_id, self._calibration.id, precision)

    def query_vectors(self, text: str, language: str) -> list[Vectors | None]:
        """A question's vector by each encoder; None by those that do not serve its language (see `kb.fusion.rank`)."""
        return self._encoded([(text, language)])()[0]

    def _encoded(self, asked: Sequence[tuple[str, str]]) -> Callable[[], list[list[Vectors | None]]]:
        """Begins with the vectors of each (text, language) that is not empty; those of one language are encoded at
        once, every other encoder beside the first. What is returned waits for them."""
        loaded = self._loaded()
        found: list[list[Vectors | None]] = [[None] * len(loaded) for _ in asked]
        places: dict[str, list[int]] = {}
        for place, (text, language) in enumerate(asked):
            if text:
                places.setdefault(language, []).append(place)

        texts = {language: [asked[place][0] for place in mine] for language, mine in places.items()}
        translated = {
            language: self._translating.submit(self._translator.english, texts[language])
            for language in {language for spec in self._specs for language in spec.translated} & set(places)
        }

        def encode(numbers: range) -> None:
            for language, mine in places.items():
                readers = self._readers(language)
                for number in numbers:
                    if not readers[number]:
                        continue
                    spec, encoder = self._specs[number], loaded[number]
                    with suppress(Unavailable):  # no translation: the others answer
                        read = translated[language].result() if language in spec.translated else texts[language]
                        with self._entered[spec.name]:
                            vectors = encoder.encode_query(read)
                        for place, vector in zip(mine, vectors, strict=True):
                            found[place][number] = vector

        parts = [self._encoding.submit(encode, range(0, len(loaded), 2))]
        if len(loaded) > 1:
            parts.append(self._beside.submit(encode, range(1, len(loaded), 2)))

        def vectors() -> list[list[Vectors | None]]:
            for part in parts:
                part.result()
            return found

        return vectors

    def passages(self, article: ArticleText) -> tuple[Passage, ...]:
        """Cuts and encodes one article version; some 20 ms a passage. An article without text is found by its title.

        Raises:
            Unavailable: the models still warm up, or what they need pauses.
        """
        loaded, language = self._loaded(), base(article.locale)
        title, texts = _clean(article.title).strip(), split(_clean(article.body)) or ("",)
        readers = self._readers(language)
        phrasings = tuple(filter(None, (_clean(text).strip()[:_QUESTION_CHARACTERS] for text in article.phrasings)))
        columns = [
            [
                *self._document_vectors(partial(self._read, encoder.encode_document, spec, language), title, texts),
                *self._batches(partial(self._read, encoder.encode_query, spec, language), phrasings),
            ]
            if reads
            else [None] * (len(texts) + len(phrasings))
            for encoder, spec, reads in zip(loaded, self._specs, readers, strict=True)
        ]
        ordinals = (*range(len(texts)), *(-1 - number for number in range(len(phrasings))))
        return tuple(
            Passage(
                article_id=article.article_id,
                version=article.version,
                locale=article.locale,
                ordinal=ordinal,
                title=title,
                text=text,
                model_id=self._model_id,
                vectors=pack(vectors),
            )
            for ordinal, text, *vectors in zip(ordinals, (*texts, *phrasings), *columns, strict=True)
        )

    def lean_on(self, model: str, model_id: str, passages: Iterable[Passage]) -> bool:
        """Lets another model answer until `stand_alone`, with its own passages; False where it cannot be had: it is not
        on this machine, or in another release than the one that made them."""
        settings = replace(self._settings, model=model)
        try:
            specs = self._specs if model == self._settings.model else encoders.specs_of(model)
            if encoders.model_id(specs) != model_id.rpartition("/")[0]:
                return False
            former = LocalKnowledgeBase(settings, specs=specs, loader=self._loader if specs == self._specs else None)
            former._model_id = model_id
            former._calibration = calibration.read(settings.calibration_file or calibration.PACKAGED_FILE, model_id)
            former.warm()
            former.load(passages)
        except Exception as failure:  # whatever a model's loading may raise: then nobody answers meanwhile
            log.warning("%s cannot answer while the index is made anew: %s", model_id, failure)
            return False
        self._former = former
        return True

    def stand_alone(self) -> None:
        """From now on this model answers itself."""
        self._former = None

    def scratch(self) -> LocalKnowledgeBase:
        """An empty index that reads with the same models, to try other articles in. Raises `Unavailable`."""
        loaded = self._loaded()
        other = LocalKnowledgeBase(self._settings, specs=self._specs, loader=lambda _: loaded, fitted=self._calibration)
        other._encoders, other._encoding, other._translator = loaded, self._encoding, self._translator
        other._beside, other._entered, other._translating = self._beside, self._entered, self._translating
        return other

    def imprint(self, texts: Sequence[str]) -> tuple[bytes, ...]:
        """What the multilingual model makes of texts; see `kb.likeness`. Raises `Unavailable`."""
        cut = [_clean(text).strip()[:_QUESTION_CHARACTERS] or " " for text in texts]
        return tuple(likeness.imprint(vector) for vector in self._batches(self._loaded()[0].encode_query, cut))

    def likeness(self, one: bytes, others: Sequence[bytes]) -> list[float]:
        """Cosines of imprints."""
        return likeness.likeness(one, others)

    def groups(self, texts: Sequence[str], languages: Sequence[str], imprints: Sequence[bytes]) -> tuple[Group, ...]:
        """Texts that mean the same; see `kb.likeness.groups`."""
        return likeness.groups(texts, languages, imprints)

    def replace(self, article_id: str, passages: Iterable[Passage]) -> None:
        """Swaps one article's passages (all its locales); none removes it. Searches see it when this returns.

        Raises:
            Refused: a passage of another article or model.
        """
        fresh = tuple(passages)
        self._check(fresh)
        if any(passage.article_id != article_id for passage in fresh):
            raise Refused("passages", f"must all be of the article {article_id}")
        with self._writing:
            snapshot = index.with_article(self._snapshot, article_id, fresh)
            if snapshot.away is not None and self._is_fork:  # the database has another text of it
                snapshot = replace(snapshot, away=snapshot.away.with_own(article_id, fresh))
            self._snapshot = snapshot
        if self._former is not None:
            self._former._follow(article_id, fresh)

    def _follow(self, article_id: str, changed: Sequence[Passage]) -> None:
        """Reads an article that was published since, from passages that another model made of it."""
        versions = {(each.locale, each.version) for each in changed}
        known = {(each.locale, each.version) for each in index.of_article(self._snapshot, article_id)}
        if versions == known:
            return
        fresh: list[Passage] = []
        for locale, version in sorted(versions):
            mine = sorted((each for each in changed if each.locale == locale), key=lambda each: each.ordinal)
            body = "\n\n".join(each.text for each in mine if not each.is_phrasing)
            phrasings = tuple(each.text for each in mine if each.is_phrasing)
            fresh += self.passages(ArticleText(article_id, version, locale, mine[0].title, body, phrasings))
        self.replace(article_id, fresh)

    def load(self, passages: Iterable[Passage], *, nearby: Nearby | None = None) -> None:
        """Replaces the whole index. May be called before `warm`. Raises `Refused` for a passage of another model.

        Where `nearby` has the vectors, the passages need none, and none are held in this process.
        """
        fresh = tuple(passages)
        self._check(fresh)
        away = Away(nearby, self._model_id, self._readers) if nearby is not None else None
        with self._writing:
            self._snapshot = index.built(len(self._specs), fresh, away)

    def fork(self) -> LocalKnowledgeBase:
        """The same models over the index as it is now: what is replaced in one is not seen by the other."""
        other = copy(self)
        other._snapshot, other._writing = index.detached(self._snapshot), threading.Lock()
        other._is_fork = True
        return other

    def _check(self, passages: Sequence[Passage]) -> None:
        for passage in passages:
            if passage.model_id != self._model_id:
                raise Refused("model_id", f"must be {self._model_id}, not {passage.model_id}")

    def _loaded(self) -> tuple[Encoder, ...]:
        if not self._encoders:
            raise Unavailable("the knowledge base still loads its models", retry_after=5)
        return self._encoders

    def _readers(self, language: str) -> list[bool]:
        """Which encoders read a language. The first reads what none claims: some vector is better than none."""
        readers = [spec.serves(language) for spec in self._specs]
        return readers if any(readers) else [True] + [False] * (len(readers) - 1)

    def _read(self, encode: Encode, spec: EncoderSpec, language: str, sentences: Sequence[str]) -> Vectors:
        """The vectors of sentences in a language, translated for a model that reads it so. In an encoding thread."""
        if language in spec.translated:
            sentences = self._translating.submit(self._translator.english, sentences).result()
        with self._entered[spec.name]:
            return encode(sentences)

    def _document_vectors(self, encode: Encode, title: str, texts: Sequence[str]) -> list[Vectors | None]:
        """For each text the mean of three unit vectors: of the title, of the title with the text, of the text."""
        title_vector, *both = self._batches(encode, [title, *(f"{title}\n{text}".strip() for text in texts)])
        alone = self._batches(encode, [text or title for text in texts])
        pairs = zip(both, alone, strict=True)
        return [(title_vector + together + text) / np.float32(3) for together, text in pairs]

    def _batches(self, encode: Encode, sentences: Sequence[str]) -> list[Vectors]:
        vectors: list[Vectors] = []
        for start in range(0, len(sentences), _BATCH):
            vectors.extend(self._encoding.submit(encode, sentences[start : start + _BATCH]).result())
        return vectors

    def _load_encoders(self, specs: Sequence[EncoderSpec]) -> tuple[Encoder, ...]:
        return encoders.load(specs, threads=self._settings.threads)


def _clean(text: str) -> str:
    """Without the halves of broken surrogate pairs, which no model can read."""
    return text.encode("utf-8", "replace").decode("utf-8")
