"""From messages' vectors to intents with a confidence that also knows when no intent is meant.

Kernel ridge regression over both sentence models and the letters of the message, on a sample of the examples as
centres: trained by one factorisation, and what it would have said of each example without having seen it comes from the
same factorisation in closed form (leave one out). From those held-out readings, and from examples whose whole intent
was held out, a small logistic learns how a message looks that no intent is meant by; a threshold is chosen on them.
No number here was chosen on a test set (docs/quality.md).
"""

from __future__ import annotations

import re

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression

CENTRES = 8000
SHARPNESS = 3.0  # of the kernel over the sentence vectors: exp(SHARPNESS · (cosine − 1))
LETTERS_SHARE = 0.1  # of the letters' kernel beside it
RIDGE = 0.1
NEIGHBOURS = 10
GROUPS = 5  # in which intents are held out
BLOCK = 1000  # rows at a time, so that memory stays small
SEED = 1
KNOWN = 30  # examples that mean no intent, from which these are trusted to show what customers ask besides
GIVEN_UP = 0.007  # share of right readings; on messages of others about twice that, as examples resemble each other
# The confidence at which a message counts as understood, in config.yml and in the hub alike: each model's scale is moved
# so that the threshold that it chose comes to lie there.
UNDERSTOOD = 0.65
DIGIT = re.compile(r"\d")
# Letters up to words' edges: spelling mistakes and endings leave most of them alone.
# All digits are one: what a number means lies in its shape.
LETTERS = HashingVectorizer(
    analyzer="char_wb",
    ngram_range=(2, 4),
    n_features=2**16,
    alternate_sign=False,
    preprocessor=lambda text: DIGIT.sub("0", text.lower()),
)


def fit(texts, vectors, intents, outside, say=lambda _what: None):
    """A trained model, as arrays by name; see `IntentModel`.

    Args:
        texts: the examples.
        vectors: of each sentence model, float32 of unit length, (texts, dimensions).
        intents: the name of each example's intent.
        outside: the intent that stands for "none of the others"; it may have no examples.
        say: is told what is being done.
    """
    chance = np.random.default_rng(SEED)
    intents = np.asarray(intents)
    names = np.unique(intents)
    target = np.searchsorted(names, intents)
    centres = np.sort(chance.permutation(len(texts))[:CENTRES])
    letters = LETTERS.transform(texts)
    say(f"{len(texts)} examples of {len(names)} intents over {len(centres)} centres")
    ridge = _Ridge(vectors, letters, centres, target, len(names))
    weights, held_out = ridge.leave_one_out()
    heat = _heat(held_out, target)
    is_outside = intents == outside
    outside_index = int(np.searchsorted(names, outside)) if is_outside.any() else -1
    near = _Neighbours(vectors, target)
    evidence = features(held_out, heat, outside_index, *near.of_examples(np.arange(len(texts)), None))
    right = (_inside(held_out, outside_index).argmax(1) == target) & ~is_outside
    say("intents held out")
    strange = []
    groups = chance.permutation(np.setdiff1d(np.arange(len(names)), [outside_index]))
    for part in np.array_split(groups, min(GROUPS, max(len(groups) // 2, 1))):
        gone = np.isin(target, part)
        if len(part) and not gone.all() and len(groups) > 2:
            scores = ridge.without(gone)
            scores[:, part] = -np.inf
            strange.append(features(scores, heat, outside_index, *near.of_examples(np.flatnonzero(gone), gone)))
    strange = np.concatenate(strange) if strange else np.empty((0, evidence.shape[1]), np.float32)
    judge = _judge(evidence[~is_outside], right[~is_outside], evidence[is_outside], strange)
    return {
        "names": names,
        "outside": np.array(outside_index),
        "centres": centres,
        "centre_texts": np.array([texts[index] for index in centres]),
        "weights": weights.astype(np.float32),
        "heat": np.array(heat),
        "target": target,
        **{f"vectors{number}": part.astype(np.float16) for number, part in enumerate(vectors)},
        **judge,
    }


class IntentModel:
    """What `fit` made, ready to read messages.

    Args:
        arrays: what `fit` returned.
    """

    def __init__(self, arrays):
        self.names = [str(name) for name in arrays["names"]]
        self.outside = int(arrays["outside"])
        self._arrays = arrays
        vectors = [arrays[name].astype(np.float32) for name in sorted(arrays) if name.startswith("vectors")]
        self._centre_letters = _columns(LETTERS.transform(arrays["centre_texts"].tolist()))
        self._near = _Neighbours(vectors, arrays["target"])

    def read(self, texts, vectors):
        """Confidence in each intent, float32 (texts, intents), in the order of `names`.

        That of the best intent other than `outside` is 0.65 where it is just sure enough; the others share it out by
        their probabilities. That of `outside` is what is left to 1.
        """
        cosines = self._near.cosines(vectors)
        with_centres = [part[:, self._arrays["centres"]] for part in cosines]
        kernel = _kernel(with_centres, LETTERS.transform(texts), self._centre_letters)
        scores = kernel @ self._arrays["weights"]
        heat = float(self._arrays["heat"])
        evidence = features(scores, heat, self.outside, *self._near.of(cosines))
        sure = _logistic(judged(self._arrays, evidence) - self._arrays["threshold"] + _logit(UNDERSTOOD))
        shares = _softmax(heat * _inside(scores, self.outside))
        confidences = sure[:, None] * shares / shares.max(axis=1, keepdims=True)
        if self.outside >= 0:
            confidences[:, self.outside] = 1 - sure
        return confidences


def features(scores, heat, outside, nearest, labels):
    """What speaks for and against the best intent, float32 (messages, 10).

    Args:
        scores: of the regression, (messages, intents).
        heat: makes probabilities of them: softmax(heat · score).
        outside: the column that stands for no intent; -1 where there is none.
        nearest: for each sentence model the cosine with the nearest example, and the mean over the nearest ten.
        labels: the intents of the nearest ten by both models.
    """
    inside = _inside(scores, outside)
    best = inside.argmax(axis=1)
    second, top = np.sort(inside, axis=1)[:, -2:].T if inside.shape[1] > 1 else (inside[:, 0] * 0, inside[:, 0])
    second = np.where(np.isfinite(second), second, top)
    energy = top + np.log(np.exp(heat * (inside - top[:, None])).sum(axis=1)) / heat
    probability = np.exp(heat * (top - energy))
    against = scores[:, outside] - top if outside >= 0 else np.zeros_like(top)
    agreeing = (labels == best[:, None]).mean(axis=1)
    columns = [top, top - second, probability, energy, against, agreeing]
    return np.column_stack([*columns, nearest]).astype(np.float32)


def judged(arrays, evidence):
    """The logit that the best intent is meant."""
    return (evidence - arrays["judge_mean"]) / arrays["judge_scale"] @ arrays["judge_weights"] + arrays["judge_bias"]


def _judge(inside, right, outside, strange):
    """The logistic over `features` and its threshold.

    Args:
        inside: held-out features of examples with an intent; `right`: whether it was found.
        outside: of examples that are known to mean none.
        strange: of examples whose intent was held out: near misses, which stand in for what nobody gave examples of.
    """
    evidence = np.concatenate([inside[right], outside, strange])
    meant = np.arange(len(evidence)) < right.sum()
    mean, scale = evidence.mean(axis=0), evidence.std(axis=0) + 1e-6
    weights = np.concatenate([np.full(len(part), 1 / max(len(part), 1)) for part in (inside[right], outside, strange)])
    weights[meant] *= max((len(outside) > 0) + (len(strange) > 0), 1)
    logistic = LogisticRegression(C=len(evidence) / 10, max_iter=500)
    logistic.fit((evidence - mean) / scale, meant, sample_weight=weights * len(evidence) / weights.sum())
    judge = {
        "judge_mean": mean,
        "judge_scale": scale,
        "judge_weights": logistic.coef_[0].astype(np.float32),
        "judge_bias": logistic.intercept_[0],
    }
    judge["threshold"] = _threshold(*(judged(judge, part) for part in (inside[right], outside, strange)))
    return judge


def _threshold(right, outside, strange):
    """The logit from which a message counts as understood; see `_judge` for the three kinds that are given.

    Where it is known what customers ask besides, a small share of what was read right is given up. Where it is not, the
    threshold parts the right from the near misses best, both kinds counting the same: who knows nothing is careful.
    """
    right = np.sort(right)
    if len(outside) >= KNOWN or not len(strange):
        return right[int(GIVEN_UP * len(right))]
    kept = 1 - np.arange(len(right)) / len(right)
    left_alone = np.searchsorted(np.sort(strange), right) / len(strange)
    return right[np.argmax(kept + left_alone)]


class _Ridge:
    """Kernel ridge regression on centres (subset of regressors): minimises |K w - y|² + RIDGE · wᵀ C w."""

    def __init__(self, vectors, letters, centres, target, count):
        self._kernel = _blocks(vectors, letters, centres)
        self._penalty = RIDGE * self._kernel[centres]
        self._penalty[np.diag_indices(len(centres))] += 1e-4
        self._gram = self._kernel.T @ self._kernel
        self._goal = np.zeros((len(target), count), np.float32)
        self._goal[np.arange(len(target)), target] = 1

    def leave_one_out(self):
        """The weights, and the scores that each example would have had without itself."""
        factor = cho_factor((self._gram + self._penalty).astype(np.float64), lower=True, overwrite_a=True)
        weights = cho_solve(factor, (self._kernel.T @ self._goal).astype(np.float64)).astype(np.float32)
        lower = factor[0].astype(np.float32)
        scores = self._kernel @ weights
        for start in range(0, len(scores), BLOCK):
            rows = slice(start, start + BLOCK)
            solved = solve_triangular(lower, self._kernel[rows].T, lower=True, check_finite=False)
            leverage = np.minimum((solved**2).sum(axis=0), 0.999)[:, None]
            scores[rows] = (scores[rows] - leverage * self._goal[rows]) / (1 - leverage)
        return weights, scores

    def without(self, gone):
        """The scores of the examples `gone`, had none of them been there."""
        part = self._kernel[gone]
        factor = cho_factor((self._gram - part.T @ part + self._penalty).astype(np.float64), lower=True)
        goal = self._kernel[~gone].T @ self._goal[~gone]
        return part @ cho_solve(factor, goal.astype(np.float64)).astype(np.float32)


class _Neighbours:
    """The nearest examples, as neighbours of messages and of each other."""

    def __init__(self, vectors, target):
        self._vectors, self._target = vectors, target

    def cosines(self, vectors):
        """Of messages with all examples, by each sentence model."""
        return [part @ own.T for part, own in zip(vectors, self._vectors)]

    def of(self, cosines):
        """`nearest` and `labels` as `features` wants them."""
        return self._sorted(cosines)

    def of_examples(self, rows, gone):
        """The same of examples by their numbers, with neither themselves nor the examples `gone` among neighbours."""
        found = []
        for start in range(0, len(rows), BLOCK):
            block = rows[start : start + BLOCK]
            cosines = [own[block] @ own.T for own in self._vectors]
            for part in cosines:
                if gone is None:
                    part[np.arange(len(block)), block] = -1
                else:
                    part[:, gone] = -1
            found.append(self._sorted(cosines))
        return tuple(np.concatenate(parts) for parts in zip(*found))

    def _sorted(self, cosines):
        count = min(NEIGHBOURS, cosines[0].shape[1])
        nearest = []
        for part in cosines:
            best = np.partition(part, -count, axis=1)[:, -count:]
            nearest += [best.max(axis=1), best.mean(axis=1)]
        both = np.argpartition(sum(cosines), -count, axis=1)[:, -count:]
        return np.column_stack(nearest), self._target[both]


def _kernel(cosines, letters, centre_letters):
    """Likeness of messages with centres, (messages, centres): a kernel on the mean cosine, and shared letters."""
    found = (1 - LETTERS_SHARE) * np.exp(SHARPNESS * (sum(cosines) / len(cosines) - 1))
    found += LETTERS_SHARE * (letters @ centre_letters).toarray()
    return found.astype(np.float32)


def _columns(letters):
    """Letters of centres, turned once for the products with all messages: turning takes longer than a product."""
    return letters.T.tocsr()


def _blocks(vectors, letters, centres):
    rows = letters.shape[0]
    found = np.empty((rows, len(centres)), np.float32)
    chosen, centre_letters = [part[centres] for part in vectors], _columns(letters[centres])
    for start in range(0, rows, BLOCK):
        block = slice(start, start + BLOCK)
        cosines = [part[block] @ own.T for part, own in zip(vectors, chosen)]
        found[block] = _kernel(cosines, letters[block], centre_letters)
    return found


def _heat(scores, target):
    """The factor at which softmax(heat · score) is least surprised by the held-out scores."""
    tried = np.geomspace(1, 64, 25)
    rows = np.arange(len(target))
    return float(min(tried, key=lambda heat: -np.log(_softmax(heat * scores)[rows, target] + 1e-9).mean()))


def _inside(scores, outside):
    """The scores with that of no intent out of the running."""
    if outside < 0:
        return scores
    scores = scores.copy()
    scores[:, outside] = -np.inf
    return scores


def _softmax(values):
    values = np.exp(values - values.max(axis=1, keepdims=True))
    return values / values.sum(axis=1, keepdims=True)


def _logistic(values):
    return 1 / (1 + np.exp(-np.clip(values, -30, 30)))


def _logit(probability):
    return np.log(probability / (1 - probability))
