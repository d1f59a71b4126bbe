"""An inbox's rules as they are when nobody set any."""

from __future__ import annotations

from hub.domain.bot_policy import Thresholds
from hub.domain.inbox import DAY, HOUR, Inbox


def test_an_inbox_has_sane_rules_of_its_own_accord() -> None:
    inbox = Inbox("i", "key", "Web", "webchat", "team")
    assert DAY == 24 * HOUR == 86_400_000_000
    assert (inbox.bot, inbox.window, inbox.reopen_window) == (True, 3 * DAY, 7 * DAY)
    assert inbox.thresholds == Thresholds()
    assert 0.5 < inbox.thresholds.knowledge <= inbox.thresholds.intent < 1
    assert inbox.settings == {}
    assert inbox.settings is not Inbox("i", "key", "Web", "webchat", "team").settings
