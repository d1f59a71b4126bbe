"""The channels that customers can be played on: one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from hub.simulation import mail, webchat
from hub.simulation.phones import PhonePlayer
from hub.simulation.player import Player, Stage

PHONES = ("sms", "whatsapp", "messenger", "instagram", "telegram", "line", "slack")

PLAYERS: Mapping[str, Callable[[Stage], Player]] = {
    mail.CHANNEL: mail.MailPlayer,
    **{channel: partial(PhonePlayer, channel=channel) for channel in PHONES},
    webchat.CHANNEL: webchat.WebchatPlayer,
}
