"""The channels that customers can be played on: one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hub.simulation import mail, sms, webchat
from hub.simulation.player import Player, Stage

PLAYERS: Mapping[str, Callable[[Stage], Player]] = {
    mail.CHANNEL: mail.MailPlayer,
    sms.CHANNEL: sms.SmsPlayer,
    webchat.CHANNEL: webchat.WebchatPlayer,
}
