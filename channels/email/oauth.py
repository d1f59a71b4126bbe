"""Access tokens for mailboxes at Google and Microsoft 365 (RFC 6749 §6), and how they are shown to IMAP and SMTP.

The firm's administrator registers an application and consents once (docs/email.md); what is kept is a refresh token.
Sources: developers.google.com/workspace/gmail/imap/xoauth2-protocol, learn.microsoft.com/exchange/client-developer
"Authenticate an IMAP, POP or SMTP connection using OAuth".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from hub.domain.errors import ChannelError
from hub.ports import Clock

SECOND = 1_000_000
# A token is asked anew so long before it ends: a session may begin with it just then.
MARGIN = 120 * SECOND
# Microsoft gives a new refresh token with each access token, good for 90 days; kept so often, the newest never ages.
KEEP_EVERY = 24 * 3600 * SECOND
TIMEOUT = 15.0


@dataclass(frozen=True, slots=True)
class Provider:
    """Where one of the great providers is. `{tenant}` stands for the firm's directory."""

    token_url: str
    scope: str
    imap: tuple[str, int]
    smtp: tuple[str, int]


PROVIDERS: Mapping[str, Provider] = {
    "google": Provider(
        "https://oauth2.googleapis.com/token",
        "https://mail.google.com/",
        ("imap.gmail.com", 993),
        ("smtp.gmail.com", 587),
    ),
    "microsoft": Provider(
        "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access",
        ("outlook.office365.com", 993),
        ("smtp.office365.com", 587),
    ),
}


@dataclass(slots=True)
class Tokens:
    """Access tokens of one mailbox, asked for when they are needed and kept while they last. Any thread may ask.

    `keep` is given a new refresh token where the provider hands one out, to be stored encrypted.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    scope: str
    clock: Clock
    keep: Callable[[str], None]
    _access: str = field(default="", repr=False)
    _until: int = 0
    _kept_at: int = 0
    _asking: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def access_token(self) -> str:
        """Raises ChannelError: `account` where consent was withdrawn or the application is refused."""
        with self._asking:
            if self.clock.now() >= self._until - MARGIN:
                self._refresh()
            return self._access

    def forget(self) -> None:
        """The server did not take the last one: the next is asked anew."""
        with self._asking:
            self._until = 0

    def _refresh(self) -> None:
        form = {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
            "scope": self.scope,
        }
        try:
            answer = httpx.post(self.token_url, data=form, timeout=TIMEOUT, trust_env=False)
        except httpx.HTTPError as error:
            raise ChannelError("token_unreachable", f"{self.token_url}: {type(error).__name__}") from error
        told = _json(answer)
        if answer.status_code >= 500 or answer.status_code == 429:
            raise ChannelError("token_unavailable", f"{self.token_url}: HTTP {answer.status_code}")
        access = told.get("access_token")
        if answer.status_code != 200 or not isinstance(access, str) or not access:
            # `error` is a word of RFC 6749 §5.2; its description is the provider's and names no secret.
            word = f"{told.get('error', f'HTTP {answer.status_code}')}: {told.get('error_description', '')}"
            raise ChannelError("token_refused", word[:300], account=True)
        try:
            lasts = int(str(told.get("expires_in", 3600)))
        except ValueError:
            lasts = 3600
        now = self.clock.now()
        self._access, self._until = access, now + lasts * SECOND
        renewed = told.get("refresh_token")
        if isinstance(renewed, str) and renewed and renewed != self.refresh_token:
            self.refresh_token = renewed
            if now - self._kept_at >= KEEP_EVERY:
                self.keep(renewed)
                self._kept_at = now


def _json(answer: httpx.Response) -> Mapping[str, object]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
