"""The bot's own actions. They ask the hub's API (`HUB_URL`, `HUB_BOT_TOKEN`) and decide nothing that the hub decides.

Served by rasa_sdk: `python -m rasa_sdk --actions actions`.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
import os
import re
from urllib.parse import quote

import aiohttp
from rasa_sdk import Action
from rasa_sdk.events import SlotSet
from rasa_sdk.forms import FormValidationAction

logger = logging.getLogger(__name__)

HUB_TIMEOUT = 2.5  # seconds; what Rasa itself needs for the turn must fit under the channel's 3.8 on a busy machine too
TRIES = 3
CUSTOMER_NUMBER = re.compile(r"\d{8}")
# Spanish (five digits) or British, as the Post Office writes them: outward code, inward code.
POSTCODE = re.compile(r"\b(\d{5}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})\b", re.IGNORECASE)
ORDER_ID = re.compile(r"\b[A-Z]\d{6}\b", re.IGNORECASE)
# Said in the middle of the form these answer none of its questions, and cost no try.
NO_ANSWER = {"affirm", "order_status", "refund", "billing", "change_address"}
OUTCOME_SLOTS = (
    "customer_number",
    "postcode",
    "identity_tries",
    "identity_outcome",
    "verified_level",
    "verified_number",
    "customer_name",
)

ENGLISH_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
SPANISH_MONTHS = (
    *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio"),
    *("agosto", "septiembre", "octubre", "noviembre", "diciembre"),
)


class HubError(Exception):
    """The hub gave no usable answer."""


class TriedTooOften(HubError):
    """The hub counts tries too, over all conversations, and has had enough."""


async def ask_hub(method, path, **arguments):
    """Status and JSON of a call to the hub. Raises HubError."""
    headers = {"Authorization": f"Bearer {os.environ['HUB_BOT_TOKEN']}"}
    timeout = aiohttp.ClientTimeout(total=HUB_TIMEOUT)
    try:
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
            url = os.environ["HUB_URL"].rstrip("/") + path
            async with session.request(method, url, **arguments) as answer:
                if answer.status not in (200, 404, 422, 429):
                    raise HubError(f"status {answer.status}")
                return answer.status, await answer.json(content_type=None)
    except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
        raise HubError(repr(error)) from error


def asked_in(tracker):
    """Which message of which conversation is being answered: the hub knows who wrote it, and what they may hear."""
    return {"conversation_id": tracker.sender_id, "message_id": tracker.latest_message["message_id"]}


async def verified_name(where, customer_number, postcode):
    """The customer's name (empty when the hub gives none), None when the two do not belong together."""
    body = {**where, "customer_number": customer_number, "postcode": postcode}
    status, answer = await ask_hub("POST", "/bot/v1/verify", json=body)
    if status == 422:
        return None
    if status == 429:
        raise TriedTooOften
    if status != 200 or not isinstance(answer.get("verified"), bool):
        raise HubError(f"unexpected answer: {status}")
    return (answer.get("name") or "") if answer["verified"] else None


async def order(where, order_id):
    """The order as the hub tells it; None when there is none for this customer."""
    path = f"/bot/v1/orders/{quote(order_id, safe='')}"
    status, answer = await ask_hub("GET", path, params=where)
    if status == 404:
        return None
    if status != 200 or "state" not in answer:
        raise HubError(f"unexpected answer: {status}")
    return answer


def spoken_date(day, language):
    """A date (YYYY-MM-DD) in words, without the year; as it came when it is no date."""
    try:
        date = datetime.date.fromisoformat(day)
    except ValueError:
        return day
    if language == "es":
        return f"{date.day} de {SPANISH_MONTHS[date.month - 1]}"
    return f"{date.day} {ENGLISH_MONTHS[date.month - 1]}"


def is_verified(tracker):
    return tracker.get_slot("verified_level") == "verified"


def is_over(tracker):
    return tracker.get_slot("identity_outcome") in ("failed", "unavailable")


class ValidateIdentityForm(FormValidationAction):
    """Customer number and postcode, checked together; then, for an order's status, the order's number.

    After three wrong tries in a conversation, or when the hub cannot check, nothing more is asked: the form ends and
    `action_serve` hands over.
    """

    def name(self):
        return "validate_identity_form"

    async def required_slots(self, domain_slots, dispatcher, tracker, domain):
        if is_over(tracker):
            return []
        identity = [] if is_verified(tracker) else ["customer_number", "postcode"]
        return identity + (["order_id"] if tracker.get_slot("purpose") == "order_status" else [])

    async def next_requested_slot(self, dispatcher, tracker, domain):
        """Always ours: Rasa would ask for all slots that the domain lists, also where none is to be asked."""
        required = await self.required_slots([], dispatcher, tracker, domain)
        missing = next((name for name in required if tracker.slots.get(name) is None), None)
        return SlotSet("requested_slot", missing)

    async def get_validation_events(self, dispatcher, tracker, domain):
        before = {name: tracker.get_slot(name) for name in OUTCOME_SLOTS}
        events = await super().get_validation_events(dispatcher, tracker, domain)
        tracker.add_slots(events)
        number, postcode = tracker.get_slot("customer_number"), tracker.get_slot("postcode")
        if number is not None and postcode is not None and not is_verified(tracker) and not is_over(tracker):
            await self._verify(dispatcher, tracker, number, postcode)
            events = [event for event in events if event["name"] not in OUTCOME_SLOTS]
        # Only what changed: a slot event where the customer answered nothing would keep a digression from its answer.
        changed = [name for name in OUTCOME_SLOTS if tracker.get_slot(name) != before[name]]
        return [*events, *(SlotSet(name, tracker.get_slot(name)) for name in changed)]

    async def _verify(self, dispatcher, tracker, number, postcode):
        try:
            name = await verified_name(asked_in(tracker), number, postcode)
        except TriedTooOften:
            tracker.slots["identity_outcome"] = "failed"
            return
        except HubError:
            logger.exception("The hub could not verify")
            tracker.slots["identity_outcome"] = "unavailable"
            return
        if name is None:
            tracker.slots.update(customer_number=None, postcode=None)
            self._wrong(dispatcher, tracker, "utter_no_match")
            return
        dispatcher.utter_message(response="utter_verified")
        tracker.slots.update(verified_level="verified", verified_number=number, customer_name=name or None)

    def validate_customer_number(self, value, dispatcher, tracker, domain):
        digits = re.sub(r"\D", "", str(value))
        if CUSTOMER_NUMBER.fullmatch(digits):
            tracker.slots["verified_level"] = "claimed"
            return {"customer_number": digits}
        self._not_an_answer(dispatcher, tracker, "utter_bad_customer_number")
        return {"customer_number": None}

    def validate_postcode(self, value, dispatcher, tracker, domain):
        found = POSTCODE.search(str(value))
        if found:
            return {"postcode": found.group().upper()}
        self._not_an_answer(dispatcher, tracker, "utter_bad_postcode")
        return {"postcode": None}

    def validate_order_id(self, value, dispatcher, tracker, domain):
        found = ORDER_ID.search(str(value))
        if found:
            return {"order_id": found.group().upper()}
        self._not_an_answer(dispatcher, tracker, "utter_bad_order_id")
        return {"order_id": None}

    def _not_an_answer(self, dispatcher, tracker, response):
        """Counts a try, unless the customer only said "OK", named the order, or asked the first question again."""
        intent = (tracker.latest_message.get("intent") or {}).get("name")
        rest = ORDER_ID.sub("", tracker.latest_message.get("text") or "")
        if intent not in NO_ANSWER or re.search(r"\d", rest):
            self._wrong(dispatcher, tracker, response)

    @staticmethod
    def _wrong(dispatcher, tracker, response):
        """Counts a try; says so, unless it was the last."""
        tries = int(tracker.get_slot("identity_tries") or 0) + 1
        tracker.slots["identity_tries"] = tries
        if tries >= TRIES:
            tracker.slots["identity_outcome"] = "failed"
        else:
            dispatcher.utter_message(response=response, tries_left=TRIES - tries)


class ActionServe(Action):
    """What the customer was identified for: tells an order's state, or hands over to a person with the reason."""

    def name(self):
        return "action_serve"

    async def run(self, dispatcher, tracker, domain):
        closed = SlotSet("open_question", "none")
        outcome, purpose = tracker.get_slot("identity_outcome"), tracker.get_slot("purpose")
        if outcome == "failed":  # stays so: a conversation that comes back to the bot gets no more tries
            dispatcher.utter_message(response="utter_verification_failed")
            return [closed]
        if outcome == "unavailable":
            dispatcher.utter_message(response="utter_lookup_failed")
            return [closed, SlotSet("identity_outcome", None)]
        if purpose != "order_status":
            dispatcher.utter_message(json_message={"handoff": purpose or "customer_asked"})
            return [closed]
        return [closed, *await self._tell_order(dispatcher, tracker, domain)]

    @staticmethod
    async def _tell_order(dispatcher, tracker, domain):
        order_id = tracker.get_slot("order_id")
        try:
            found = await order(asked_in(tracker), order_id)
        except HubError:
            logger.exception("The hub could not look up an order")
            dispatcher.utter_message(response="utter_lookup_failed")
            return []
        if found is None:
            dispatcher.utter_message(response="utter_order_not_found", asked_order_id=order_id)
            return [SlotSet("order_id", None)]
        state, carrier, expected = str(found["state"]), found.get("carrier"), found.get("expected")
        response = f"utter_order_{state}"
        if state == "shipped" and not (carrier and expected):
            response = "utter_order_shipped_plain"
        if response not in domain["responses"]:  # a state that we have no words for
            dispatcher.utter_message(response="utter_lookup_failed")
            return []
        dispatcher.utter_message(
            response=response,
            told_order_id=order_id,
            carrier=carrier,
            expected=spoken_date(expected, tracker.get_slot("language")) if expected else None,
        )
        # Freed, so that "and my other order?" is asked which one; the agent still sees it.
        return [SlotSet("order_id", None), SlotSet("last_order_id", order_id), SlotSet("order_state", state)]


class ActionLeaveForm(Action):
    """The customer will not or cannot identify: a person can help all the same."""

    def name(self):
        return "action_leave_form"

    async def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(response="utter_offer_person")
        return [SlotSet("open_question", "person")]


class ActionDecline(Action):
    """ "No" to the bot's open question."""

    def name(self):
        return "action_decline"

    async def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(response="utter_declined")
        return [SlotSet("open_question", "none")]
