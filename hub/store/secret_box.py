"""Secrets at rest. Authenticated encryption (Fernet) with a key derived from the installation's own."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class SecretBox:
    """Seals and opens short texts. `derive` gives further keys for other uses, so that none is used twice."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._derived: dict[str, bytes] = {}
        self._fernet = Fernet(base64.urlsafe_b64encode(self.derive("secrets at rest")))

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose, of which there are a few (HKDF-SHA256, RFC 5869)."""
        if purpose not in self._derived:  # each page of the feed signs its files' addresses
            derivation = HKDF(SHA256(), 32, salt=None, info=f"centralita: {purpose}".encode())
            self._derived[purpose] = derivation.derive(self._key)
        return self._derived[purpose]

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises cryptography.fernet.InvalidToken when the text was sealed with another key or changed."""
        return self._fernet.decrypt(sealed.encode()).decode()
