"""Which language a short message is written in.

eldc was chosen over lingua and py3langid on short messages: most right, 6 µs a text, 19 MB (docs/knowledge.md).
"""

from __future__ import annotations

import eldc

LANGUAGES = ("en", "es", "pt", "fr")
DEFAULT_LANGUAGE = "en"

# eldc's scores are between 0 and 1 but no probabilities. The hint decides between two that are this close ("no" is
# .95 Spanish and .91 English) and never against a clear text.
_HINT_BONUS = 0.05
# The same for a text of a few letters, which says little ("ok" is .78 French and .67 Spanish).
_SHORT = 4
_SHORT_HINT_BONUS = 0.15
# Below this a text looks like none of the four: another language, or letters at random.
_LOWEST_SCORE = 0.3


def base(locale: str) -> str:
    """The language of a locale: `es` for `es-MX`."""
    return locale.replace("_", "-").split("-", 1)[0].lower()


class LanguageDetector:
    """Tells English, Spanish, Portuguese and French apart. Safe to use from several threads."""

    def __init__(self) -> None:
        eldc.init()
        self._detector = eldc.instance()
        self._detector.set_languages(list(LANGUAGES))
        self._detector.set_scores(len(LANGUAGES))

    def detect(self, text: str, *, hint: str = "") -> str:
        """ISO 639-1 code of a text's language.

        Args:
            text: a message of any length.
            hint: locale of the page or profile; decides where the text does not.

        Returns:
            One of `LANGUAGES`, or the hint's language (`DEFAULT_LANGUAGE` without one) for a text that cannot be told.
        """
        hinted = base(hint)
        scores: dict[str, float] = dict(self._detector.detect_details(text).scores)
        if max(scores.values(), default=0.0) < _LOWEST_SCORE:
            return hinted or DEFAULT_LANGUAGE
        if hinted in scores:
            scores[hinted] += _SHORT_HINT_BONUS if len(text.strip()) <= _SHORT else _HINT_BONUS
        return max(scores, key=lambda language: scores[language])
