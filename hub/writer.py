"""A language model behind an OpenAI-compatible address, for drafts that an agent reads first. Off unless it is set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx

from hub.domain.errors import Unavailable

# An agent waits for it; what takes longer they have written themselves.
DEADLINE = 20.0


class ModelWriter:
    """`hub.ports.Writer` over `POST {address}/chat/completions`.

    Args:
        url: the address up to and with its version, as `https://models.example/v1`.
        model: its name there.
        key: sent as a bearer token; empty: none is.
    """

    def __init__(self, url: str, model: str, key: str) -> None:
        self._url, self._model, self._key = url, model, key

    def write(self, messages: Sequence[Mapping[str, str]]) -> str:
        """What the model answers. Raises Unavailable."""
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        body = {"model": self._model, "messages": [dict(each) for each in messages], "temperature": 0}
        try:
            answer = httpx.post(f"{self._url}/chat/completions", json=body, headers=headers, timeout=DEADLINE)
            answer.raise_for_status()
            text = answer.json()["choices"][0]["message"]["content"]
        except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as error:
            raise Unavailable(f"the language model gave no answer ({type(error).__name__})", retry_after=30) from error
        if not isinstance(text, str):
            raise Unavailable("the language model gave no text", retry_after=30)
        return text
