"""Every error the hub raises, drawn once.

    HubError
    ├── Refused              bad input: names the field and the rule        422
    │   └── TooLarge         a size limit                                    413
    ├── NotSignedIn          no valid session or token                       401
    │   └── BadSignature     a webhook or token that is not genuine          401
    ├── Forbidden            signed in, but the role may not                 403
    ├── NotFound             no such thing, or not for this caller           404
    ├── Conflict             true of another state of the world              409
    │   ├── AlreadyTaken     another agent has the conversation
    │   ├── BreaksQuestions  publishing would answer test questions wrong
    │   └── DoNotContact     the customer wants no messages at this address
    ├── TooMany              a rate limit                                    429
    ├── Unavailable          a part is down or full; trying again helps      503
    ├── BotError             the bot did not answer (never a customer's 5xx)
    │   └── BotTimeout
    └── ChannelError         a provider did not take a message; says itself whether trying again helps

`hub.web.errors` maps each class to its HTTP status; `error_id` is stable and part of the API.
"""

from __future__ import annotations

from typing import ClassVar


class HubError(Exception):
    """Base of all errors that the hub raises on purpose."""

    error_id: ClassVar[str] = "error"


class Refused(HubError):
    """Input that breaks a rule.

    Args:
        field: the name of the offending field, as the sender knows it.
        rule: what the field must satisfy, as a sentence without the field's name.
    """

    error_id = "refused"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class TooLarge(Refused):
    error_id = "too_large"


class NotSignedIn(HubError):
    error_id = "not_signed_in"


class BadSignature(NotSignedIn):
    error_id = "bad_signature"


class Forbidden(HubError):
    error_id = "forbidden"


class NotFound(HubError):
    error_id = "not_found"


class Conflict(HubError):
    error_id = "conflict"


class AlreadyTaken(Conflict):
    error_id = "already_taken"


class BreaksQuestions(Conflict):
    error_id = "breaks_questions"


class DoNotContact(Conflict):
    error_id = "do_not_contact"


class TooMany(HubError):
    """A rate limit. `retry_after` is in seconds."""

    error_id = "too_many"

    def __init__(self, text: str, retry_after: int) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Unavailable(HubError):
    """A part is down or full. `retry_after` is in seconds."""

    error_id = "unavailable"

    def __init__(self, text: str, retry_after: int = 2) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class DatabaseAway(Unavailable):
    """The database does not answer or takes nothing; what was asked for is not done."""

    def __init__(self, text: str, retry_after: int = 5) -> None:
        super().__init__(text, retry_after)


class BotError(HubError):
    """The bot gave no usable answer; `reason` is a short stable word for logs and the handoff packet."""

    error_id = "bot_error"

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(text or reason)
        self.reason = reason


class BotTimeout(BotError):
    error_id = "bot_timeout"

    def __init__(self, text: str = "") -> None:
        super().__init__("timeout", text)


class ChannelError(HubError):
    """A provider did not take a message.

    Args:
        code: the provider's own error code, or a short word of ours.
        permanent: repeating the same call cannot help.
        account: the account itself is refused (token, block, billing): the inbox must stop.
        unknown: the provider may have taken it (time-out after the request was sent): never send again blindly.
        retry_after: seconds that the provider asks us to wait, if it said so.
        opted_out: the customer has told the provider that they want no messages at this address.
    """

    error_id = "channel_error"

    def __init__(
        self,
        code: str,
        text: str = "",
        *,
        permanent: bool = False,
        account: bool = False,
        unknown: bool = False,
        retry_after: float | None = None,
        opted_out: bool = False,
    ) -> None:
        super().__init__(text or code)
        self.code = code
        self.permanent = permanent
        self.account = account
        self.unknown = unknown
        self.retry_after = retry_after
        self.opted_out = opted_out
