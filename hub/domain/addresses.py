"""What an address is, whichever channel it is used in."""

from __future__ import annotations

PHONE = "phone"
_PHONE_CHANNELS = frozenset({"sms", "voice", "whatsapp"})


def kind_of(channel: str) -> str:
    """What the addresses of a channel are. One telephone number is the same person's in each that uses it."""
    return PHONE if channel in _PHONE_CHANNELS else channel
