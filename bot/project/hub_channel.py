"""The hub's channel in Rasa: authentication, real errors, one turn per message id, the channel's own response variants.

Rasa's REST channel has no authentication, answers 200 with an empty list when anything fails, and runs a repeated
message again. The answers' shape is documented in docs/bot.md; `bot/rasa.py` reads it.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
from contextlib import asynccontextmanager
from functools import lru_cache, wraps

import aiohttp
import rasa
import turn_graph
from jsonschema.exceptions import best_match
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction
from rasa.core.channels.channel import CollectingOutputChannel, InputChannel, UserMessage
from rasa.shared.core.events import ActionExecuted, BotUttered, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from sanic import Blueprint, response

logger = logging.getLogger(__name__)

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
WORD = re.compile(r"[A-Za-z0-9_-]{1,32}")
# A letter held down counts in every one of its n-grams: "aaaaaaaa" would be ask_human with certainty.
HELD_LETTER = re.compile(r"([^\W\d_])\1{3,}")
COMMAND = re.compile(r"/([a-z_]+)")
FALLBACK_INTENT = "nlu_fallback"
FALLBACK_ACTION = "action_default_fallback"
# Commands that a button may carry. `/restart` and its like, and entities in braces, never pass: a customer could
# otherwise forget a failed verification or claim one.
BUTTON_INTENTS = {"affirm", "deny", "order_status", "refund", "billing", "change_address", "opening_hours", "ask_human"}
# What an agent wants to see, and which slots tell it, the surest first.
AGENT_SLOTS = {
    "purpose": ("purpose",),
    "order_id": ("order_id", "last_order_id"),
    "order_state": ("order_state",),
    "customer_number": ("verified_number", "customer_number"),
    "customer_name": ("customer_name",),
}

# What belongs to whoever was verified, and to nobody who writes from another address.
PROOF_SLOTS = ("verified_level", "verified_number", "customer_number", "postcode", "customer_name", "order_id")


class Bad(Exception):
    """A request that breaks a rule."""

    def __init__(self, field, rule, status=422):
        super().__init__(f"{field}: {rule}")
        self.field, self.rule, self.status = field, rule, status


class HubOutput(CollectingOutputChannel):
    """Collects nothing that we use (answers are read from the tracker); its name chooses response variants."""

    def __init__(self, channel):
        super().__init__()
        self._channel = channel

    def name(self):
        return self._channel


class ConversationLocks:
    """One turn per conversation at a time, in order of arrival. Rasa's own lock polls once a second; this one wakes."""

    def __init__(self):
        self._locks = {}

    @asynccontextmanager
    async def hold(self, conversation_id):
        lock, users = self._locks.get(conversation_id, (asyncio.Lock(), 0))
        self._locks[conversation_id] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks[conversation_id]
            if users == 1:
                del self._locks[conversation_id]
            else:
                self._locks[conversation_id] = (lock, users - 1)


class HubInput(InputChannel):
    """`POST /webhooks/hub/reply`, `/understand` and `/told`, `GET /webhooks/hub/status`.

    Credentials: `token`; `deadline` of a turn in seconds, under the server's `--response-timeout`; `text_limit` in
    characters.
    """

    def __init__(self, token, deadline=3.8, text_limit=2000):
        if not token:
            raise ValueError("credentials of HubInput: token must not be empty")
        self._authorization = f"Bearer {token}".encode()
        self._deadline = float(deadline)
        self._text_limit = int(text_limit)
        self._locks = ConversationLocks()

    @classmethod
    def name(cls):
        return "hub"

    @classmethod
    def from_credentials(cls, credentials):
        credentials = credentials or {}
        return cls(credentials.get("token"), credentials.get("deadline", 3.8), credentials.get("text_limit", 2000))

    def blueprint(self, on_new_message):  # noqa: ARG002 - we call the agent ourselves, for its errors and its tracker
        RemoteAction._validate_action_result = valid_answer
        turn_graph.install()
        routes = Blueprint("hub_webhook", __name__)

        @routes.post("/reply")
        @self._answering
        async def reply(request):
            body = self._body(request)
            agent = request.app.ctx.agent
            conversation_id, message_id = _field(body, "conversation_id", ID), _field(body, "message_id", ID)
            channel, language = _field(body, "channel", WORD), _field(body, "language", WORD)
            text = self._read(body, trusted=body.get("trusted") is True)
            message = UserMessage(
                text, HubOutput(channel), conversation_id, None, channel, message_id, metadata=_metadata(body)
            )
            async with self._locks.hold(conversation_id), agent.lock_store.lock(conversation_id):
                tracker = await agent.processor.fetch_tracker_and_update_session(conversation_id)
                found = reply_to(tracker, message_id, agent.domain)
                if found is None:
                    await run_turn(agent.processor, tracker, message, language)
                    found = reply_to(tracker, message_id, agent.domain)
            if not (found["messages"] or found["handoff_reason"] or found["fallback"]):
                return response.json({"error": "empty"}, status=503)
            return response.json(found)

        @routes.post("/understand")
        @self._answering
        async def understand(request):
            text = self._read(self._body(request), trusted=False)
            read = await request.app.ctx.agent.processor.parse_message(UserMessage(text))
            ranking = [intent for intent in read["intent_ranking"] if intent["name"] != FALLBACK_INTENT]
            return response.json({"weak": read["intent"]["name"] == FALLBACK_INTENT, "ranking": ranking})

        @routes.post("/told")
        @self._answering
        async def told(request):
            body = self._body(request)
            agent = request.app.ctx.agent
            conversation_id = _field(body, "conversation_id", ID)
            event = BotUttered(self._text(body), metadata={"author": _field(body, "author", WORD)})
            async with self._locks.hold(conversation_id), agent.lock_store.lock(conversation_id):
                tracker = await agent.processor.fetch_tracker_with_initial_session(conversation_id)
                tracker.update(event)
                await agent.processor.save_tracker(tracker)
            return response.json({})

        @routes.get("/status")
        @self._answering
        async def status(request):
            agent = getattr(request.app.ctx, "agent", None)
            if agent is None or not agent.is_ready():
                return response.json({"state": "starting"})
            return response.json(
                {
                    "state": "ready",
                    "model_id": agent.model_id,
                    "version": rasa.__version__,
                    "actions": await action_server_state(agent.action_endpoint),
                }
            )

        return routes

    def _answering(self, handler):
        """Checks the token, sets the deadline, and turns every failure into its status and type."""

        @wraps(handler)
        async def answer(request):
            given = (request.headers.get("authorization") or "").encode()
            if not hmac.compare_digest(given, self._authorization):
                return response.json({"error": "unauthorized"}, status=401)
            try:
                return await asyncio.wait_for(handler(request), self._deadline)
            except Bad as bad:
                return response.json({"error": "refused", "field": bad.field, "rule": bad.rule}, status=bad.status)
            except asyncio.TimeoutError:
                return response.json({"error": "timeout"}, status=503)
            except Exception as error:  # the edge: whatever it is, the hub must hear it
                logger.exception("A turn failed")
                return response.json({"error": type(error).__name__}, status=503)

        return answer

    @staticmethod
    def _body(request):
        try:
            body = request.json
        except Exception:
            body = None
        if not isinstance(body, dict):
            raise Bad("body", "must be a JSON object")
        return body

    def _read(self, body, *, trusted):
        """The message as the bot reads it."""
        return neutral(HELD_LETTER.sub(r"\1\1\1", self._text(body)), trusted=trusted)

    def _text(self, body):
        text = body.get("text")
        if not isinstance(text, str) or not text.strip():
            raise Bad("text", "must be text that is not blank")
        if len(text) > self._text_limit:
            raise Bad("text", f"must have at most {self._text_limit} characters", status=413)
        return text.strip()


def _field(body, name, pattern):
    value = body.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Bad(name, f"must match {pattern.pattern}")
    return value


def _metadata(body):
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise Bad("metadata", "must be an object of texts")
    return metadata


def neutral(text, *, trusted):
    """The text with Rasa's slash commands defused, but for the plain intents that our own buttons carry."""
    if not text.startswith("/"):
        return text
    command = COMMAND.fullmatch(text)
    if trusted and command and command.group(1) in BUTTON_INTENTS:
        return text
    return "." + text


async def run_turn(processor, tracker, message, language):
    """`MessageProcessor.handle_message` of Rasa 3.6.21, on a tracker that is read once and saved once.

    Rasa's own would read it again, and the language would have to be saved before it: that took half of a turn. Saved
    at the end, a turn that is cut off has left nothing behind.
    """
    level = message.metadata.get("verified_level")
    changes = proof_of_writer(tracker, level)
    if changes or tracker.get_slot("language") != language:  # before the turn, so that the very first answer is in it
        # Always the language first: it parts what is set for this turn from the one before.
        for name, value in {"language": language, **changes}.items():
            tracker.update(SlotSet(name, value), processor.domain)
    await processor._handle_message_with_tracker(message, tracker)
    tracker = await processor.run_action_extract_slots(message.output_channel, tracker)
    await processor._run_prediction_loop(message.output_channel, tracker)
    await processor.save_tracker(tracker)


def proof_of_writer(tracker, level):
    """The slots to set so that the memory of who is verified is that of whoever writes now: a conversation can be over
    two channels, and what was proved from one address holds for another only if the hub says so.

    `level` is what the hub says of the writer (None: nothing; then everything stays).
    """
    held = tracker.get_slot("verified_level")
    if level == "verified" and held != "verified":
        return {"verified_level": "verified"}
    if level not in (None, "verified") and held == "verified":
        return dict.fromkeys(PROOF_SLOTS)
    return {}


def reply_to(tracker, message_id, domain):
    """What followed a message, read from the tracker as it stood then; None when it was never answered.

    A first answer and a repeated one are read in the same way, so that they are equal.
    """
    events = list(tracker.events)
    begin = next((i for i, e in enumerate(events) if isinstance(e, UserUttered) and e.message_id == message_id), None)
    if begin is None:
        return None
    # What others told the customer afterwards, and the language of the next message, belong to no turn.
    end = next((i for i in range(begin + 1, len(events)) if _ends_turn(events[i])), len(events))
    said = [event for event in events[begin:end] if isinstance(event, BotUttered)]
    then = tracker  # its last turn; of an earlier one, what held then
    if end < len(events):
        then = DialogueStateTracker.from_events(tracker.sender_id, events[:end], domain.slots)
    customs = [event.data["custom"] for event in said if (event.data or {}).get("custom")]
    intent = best_intent(events[begin].parse_data or {})
    fallback = any(custom.get("fallback") for custom in customs) or any(
        isinstance(event, ActionExecuted) and event.action_name == FALLBACK_ACTION for event in events[begin:end]
    )
    reason = next((custom["handoff"] for custom in customs if "handoff" in custom), "")
    slots = {
        name: next((value for value in map(then.get_slot, sources) if value is not None), None)
        for name, sources in AGENT_SLOTS.items()
    }
    return {
        "messages": [
            {
                "text": event.text,
                "buttons": [{"title": b["title"], "payload": b["payload"]} for b in event.data.get("buttons") or []],
            }
            for event in said
            if event.text
        ],
        "intent": intent["name"],
        # Where the bot understood but has no answer, its certainty must not pass for that of an answer.
        "confidence": 0.0 if fallback and not intent["weak"] else intent["confidence"],
        "fallback": fallback,
        "handoff_reason": reason,
        "in_form": then.active_loop_name is not None,
        "slots": {name: str(value) for name, value in slots.items() if value is not None},
        "verified_level": then.get_slot("verified_level") or "none",
        "verification_failed": reason == "verification_failed",
        "model_id": str((events[begin].metadata or {}).get("model_id", "")),
    }


def _ends_turn(event):
    """True for the first event after a turn."""
    if isinstance(event, BotUttered):
        return "author" in (event.metadata or {})
    return isinstance(event, UserUttered) or (isinstance(event, SlotSet) and event.key == "language")


def best_intent(parse_data):
    """Name and confidence of the real best intent, and whether the classifier found it too weak."""
    intent = parse_data.get("intent") or {}
    weak = intent.get("name") == FALLBACK_INTENT
    if weak:
        ranking = parse_data.get("intent_ranking") or []
        intent = next((other for other in ranking if other.get("name") != FALLBACK_INTENT), intent)
    return {
        "name": str(intent.get("name") or ""),
        "confidence": round(float(intent.get("confidence") or 0.0), 4),
        "weak": weak,
    }


@lru_cache(maxsize=1)
def _answers():
    """A validator of what an action server answers, by Rasa's own schema, which is checked here once."""
    schema = RemoteAction.action_response_format_spec()
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


rasas_valid_answer = RemoteAction._validate_action_result


def valid_answer(action, answer):
    """`RemoteAction._validate_action_result` of Rasa 3.6.21, which checks its schema anew at each answer: that was most
    of an action's time. What is not valid goes to Rasa's own, for its error."""
    return best_match(_answers().iter_errors(answer)) is None or rasas_valid_answer(action, answer)


async def action_server_state(endpoint):
    """`ready` or `down`."""
    if endpoint is None:
        return "down"
    health = endpoint.url.rsplit("/", 1)[0] + "/health"
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.7)) as session:
            async with session.get(health) as answer:
                return "ready" if answer.status == 200 else "down"
    except (aiohttp.ClientError, asyncio.TimeoutError):
        return "down"
