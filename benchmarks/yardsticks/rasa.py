"""Rasa asked directly: one kept-alive connection to its hub channel, with the same body as the hub sends."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

import httpx

PATIENCE = 20.0  # seconds


class Rasa:
    """A client of a Rasa server's hub channel.

    Args:
        url: of the server, without a path.
        token: the channel's bearer token.
    """

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE, trust_env=False
        )

    def __enter__(self) -> Rasa:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._http.close()

    def ask(self, conversation_id: str, message_id: str, text: str) -> tuple[float, dict[str, Any]]:
        """One turn: milliseconds until the whole answer is there, and the answer. Raises httpx.HTTPError."""
        body = {
            "conversation_id": conversation_id,
            "message_id": message_id,
            "text": text,
            "channel": "webchat",
            "language": "en",
            "trusted": False,
            "metadata": {"verified_level": "none"},
        }
        began = time.perf_counter()
        answer = self._http.post("/webhooks/hub/reply", json=body)
        took = (time.perf_counter() - began) * 1000
        found: dict[str, Any] = answer.raise_for_status().json()
        return took, found
