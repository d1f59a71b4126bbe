"""Ids that gateways give our mails in place of ours: customers' replies, and bounces, name those.

What is known of the great ones:

- Amazon SES overrides the Message-ID (AWS, "Amazon SES header fields"). Its answer to DATA is `250 Ok ` and its own id,
  and the mail then has `<id@REGION.amazonses.com>`, in us-east-1 `<id@email.amazonses.com>`. The region stands in the
  name of the endpoint (AWS, "Connecting to an Amazon SES SMTP endpoint").
- Exchange and Microsoft 365 keep a well-formed Message-ID and may replace others. They name the one that the mail has:
  `250 2.6.0 <id> [InternalId=…, Hostname=…] Queued mail for delivery`, `250 2.0.0 OK <id> [Hostname=…]`.
- Mailgun, SendGrid, Gmail and Postfix keep ours; what they answer is the id of a queue, which no mail ever names.
"""

from __future__ import annotations

import re

_SES_HOST = re.compile(
    r"(?:[\w-]+\.)*email-smtp(?:-fips)?\.([a-z]{2}(?:-[a-z]+)+-\d)\.(?:vpce\.)?amazonaws\.com", re.IGNORECASE
)
_SES_ANSWER = re.compile(r"Ok ([0-9a-f]{16}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-\d{6})\b", re.IGNORECASE)
_EXCHANGE_ANSWER = re.compile(r"<([^<>\s@]{1,250}@[^<>\s@]{1,250})>\s*\[[^\]]{0,500}\bHostname=", re.IGNORECASE)
_THEIRS = re.compile(r"[^\s<>@]+@(?:[\w-]+\.)*(?:amazonses\.com|outlook\.com)", re.IGNORECASE)


def ids_given(host: str, words: str) -> tuple[str, ...]:
    """The Message-IDs, without brackets, that a mail has once a server has taken it, as far as its answer says.

    Args:
        host: the server that it was handed to.
        words: what that said after the mail, without the code.
    """
    endpoint = _SES_HOST.fullmatch(host.strip())
    if endpoint is not None:
        found = _SES_ANSWER.match(words)
        region = endpoint.group(1).lower()
        domain = "email" if region == "us-east-1" else region
        return (f"{found.group(1)}@{domain}.amazonses.com",) if found else ()
    named = _EXCHANGE_ANSWER.search(words)
    return (named.group(1),) if named else ()


def may_be_given(message_id: str) -> bool:
    """Whether an id, without brackets, is of a gateway that replaces ids, so that a mail of ours may have it."""
    return _THEIRS.fullmatch(message_id.strip()) is not None
