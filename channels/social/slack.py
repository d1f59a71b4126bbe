"""Slack: customers who write to the firm's app, or in a channel that they share with it (Slack Connect).

Events come by HTTP (Events API) or over a web socket that the hub opens itself (Socket Mode). Sources, all
docs.slack.dev: "Events API", "Verifying requests from Slack", "Using Socket Mode", "Message event" and its subtypes,
"chat.postMessage", "conversations.history", "Formatting message text", "Rate limits"; and slack_sdk 3.47. What an
administrator needs is in docs/slack.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from channels.social import common
from hub.domain.errors import BadSignature, ChannelError, Refused
from hub.domain.forms import FORM
from hub.domain.inbox import AccountState
from hub.domain.messages import (
    AccountTrouble,
    Address,
    Deletion,
    Delivery,
    DeliveryUpdate,
    Edit,
    InboundEvent,
    InboundMessage,
    OutboundMessage,
    Parsed,
    ProviderReply,
    Reaction,
    Receipt,
    RemoteMedia,
    WebhookRequest,
    choice_token,
)
from hub.domain.rendering import ChoiceStyle
from hub.ports import Capabilities, ChannelParts, FetchedFile, Line

CHANNEL = "slack"
API_URL = "https://slack.com/api"
MEDIA_LIMIT = 50_000_000
MEDIA_TYPES: tuple[str, ...] = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain")
MEDIA_TYPES += ("audio/mpeg", "audio/mp4", "video/mp4")
_SECTION = 3000  # characters that stand above buttons
_REPLAY_WINDOW = 300_000_000
_TIMESTAMP = re.compile(r"[0-9]{1,12}\.[0-9]{1,10}")
_SEEN_EVERY = 10.0
_PLACES = "im,mpim,public_channel,private_channel"
# By the web API's own word for what is wrong; every other word is the message's fault.
_ACCOUNT = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope"}
)
_ACCOUNT |= {"org_login_required", "ekm_access_denied", "team_access_not_granted", "no_permission"}
_LATER = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable"})
_LATER |= {"request_timeout", "team_added_to_org"}
# Kinds of events, and of messages, that say nothing to us.
_SILENT = frozenset({"app_mention", "app_home_opened", "member_joined_channel", "member_left_channel", "user_change"})
_SILENT |= {"team_join", "channel_rename", "im_open", "im_close", "message_metadata_posted", "app_rate_limited"}
_SILENT_MESSAGES = frozenset({"message_replied", "channel_join", "channel_leave", "channel_topic", "channel_purpose"})
_SILENT_MESSAGES |= {"channel_name", "pinned_item", "assistant_app_thread", "bot_add", "bot_remove"}
_WORDS = frozenset({"", "file_share", "thread_broadcast", "me_message"})
_METADATA = "centralita_message"
_SCOPES = ("chat:write", "im:history", "files:read", "reactions:read")  # without them it does only half of its work
_EMOJI = {"+1": "👍", "thumbsup": "👍", "-1": "👎", "thumbsdown": "👎", "heart": "❤️", "tada": "🎉", "pray": "🙏"}
_EMOJI |= {"white_check_mark": "✅", "eyes": "👀", "joy": "😂", "smile": "😄", "cry": "😢", "rage": "😡", "fire": "🔥"}


def channel(parts: ChannelParts) -> Slack:
    """The Slack app of an inbox, heard by HTTP or by socket. Raises Refused where a setting or a secret is wrong."""
    mode = parts.inbox.settings.get("mode", "events")
    if mode not in ("events", "socket"):
        raise Refused("mode", "must be events or socket")
    return SlackSocket(parts) if mode == "socket" else Slack(parts)


class Slack:
    """One app in one workspace. Its secrets are `bot_token` and `signing_secret`."""

    capabilities = Capabilities(
        CHANNEL,
        text_limit=4000,
        buttons=25,
        attachments=True,
        attachment_limit=MEDIA_LIMIT,
        media_types=MEDIA_TYPES,
        messages_per_second=1.0,
        choices=(ChoiceStyle("buttons", 25, 75, _SECTION),),
    )

    def __init__(self, parts: ChannelParts) -> None:
        rule = "must be the bot token, which begins with xoxb-"
        self._token = common.secret(parts.secrets, "bot_token", r"xoxb-[\w-]{4,250}", rule)
        self._api_url = common.address(parts.inbox.settings, "api_url", API_URL)
        self._fetcher, self._clock = parts.fetcher, parts.clock
        self._key = self._signing_secret(parts)

    def _signing_secret(self, parts: ChannelParts) -> bytes:
        rule = "must be the signing secret of the app's Basic Information"
        return common.secret(parts.secrets, "signing_secret", r"\S{8,100}", rule).encode()

    def verify(self, request: WebhookRequest) -> None:
        """Version 0 of the signature, over the raw bytes and their time, which is not long ago: no old one again."""
        stamp = request.headers.get("x-slack-request-timestamp", "")
        fresh = stamp.isascii() and stamp.isdigit() and len(stamp) <= 12
        if not fresh or abs(self._clock.now() - int(stamp) * 1_000_000) > _REPLAY_WINDOW:
            raise BadSignature("the request is not of these five minutes")
        wanted = "v0=" + hmac.new(self._key, f"v0:{stamp}:".encode() + request.body, hashlib.sha256).hexdigest()
        given = request.headers.get("x-slack-signature", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, wanted.encode()):
            raise BadSignature("the signature does not fit the body")

    def parse_inbound(self, request: WebhookRequest) -> Parsed:
        """One event, a pressed button, or the handshake."""
        found = _document(request)
        kind = common.text(found, "type", most=100)
        if kind == "url_verification":
            return Parsed(reply=ProviderReply(body=common.text(found, "challenge", most=500).encode()))
        if kind == "block_actions":
            return common.each_alone([found], _pressed, ProviderReply())
        if kind != "event_callback":
            raise Refused("type", "must be event_callback, block_actions or url_verification")
        return common.each_alone([found], _events, ProviderReply())

    def send(self, message: OutboundMessage) -> Receipt:
        """Posts where the customer wrote last: in their chat with the app, or in their thread of a shared channel."""
        text, style = common.prepared(message, self.capabilities)
        plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        where, _, thread = (message.sender or message.address.value).partition("@")
        body: dict[str, Any] = {"channel": where, "text": plain, "unfurl_links": False}
        # It comes back with the event of our own message, by which a send whose answer was lost is found.
        body["metadata"] = {"event_type": _METADATA, "event_payload": {"message_id": message.message_id}}
        if thread:
            body["thread_ts"] = thread
        if style:
            buttons = [
                {
                    "type": "button",
                    "text": {"type": "plain_text", "text": button.title},
                    "action_id": f"choice-{number}",
                    "value": choice_token(message.message_id, number),
                }
                for number, button in enumerate(message.buttons, 1)
            ]
            section = {"type": "section", "text": {"type": "mrkdwn", "text": plain}}
            body["blocks"] = [section, {"type": "actions", "elements": buttons}]
        headers = {"Authorization": f"Bearer {self._token}"}
        return _receipt(common.post(f"{self._api_url}/chat.postMessage", json=body, headers=headers))

    def account(self) -> AccountState:
        """The workspace, and scopes that the app lacks."""
        headers = {"Authorization": f"Bearer {self._token}"}
        response = common.post(f"{self._api_url}/auth.test", headers=headers)
        said = common.answered(response)
        if said.get("ok") is not True:
            raise _refusal(response, said)
        granted = response.headers.get("x-oauth-scopes", "")
        lacking = [each for each in _SCOPES if each not in granted.split(",")] if granted else []
        name = f"{common.text(said, 'user', most=100)} · {common.text(said, 'team', most=100)}"
        return AccountState(name, problems=(("missing_scope", ", ".join(lacking)),) if lacking else ())

    def name_of(self, address: Address) -> str:
        """The person's name in Slack; it needs the scope users:read."""
        headers = {"Authorization": f"Bearer {self._token}"}
        said = common.get(f"{self._api_url}/users.info?user={quote(address.value)}", headers=headers)
        user = said.get("user")
        return common.text(user, "real_name", most=200) if isinstance(user, dict) else ""

    def fetch_media(self, media: RemoteMedia) -> FetchedFile:
        """Gets a file from Slack alone, signed in; a page instead of it says that the app may not read files."""
        parts, own = urlsplit(media.url), urlsplit(self._api_url)
        at_slack = parts.scheme == "https" and (parts.hostname or "").endswith(".slack.com")
        if not at_slack and (parts.scheme, parts.netloc) != (own.scheme, own.netloc):
            raise ChannelError("media_host", "the file is at a host that is not Slack's", permanent=True)
        file = self._fetcher.fetch(media.url, limit=MEDIA_LIMIT, authorization=f"Bearer {self._token}")
        if file.media_type.startswith("text/html") and not media.media_type.startswith("text/html"):
            raise ChannelError("no_files_read", "the app needs the scope files:read", permanent=True)
        return file


class SlackSocket(Slack):
    """The same over a socket that the hub opens: for hubs that nobody can call from outside. Its secrets are
    `bot_token` and `app_token`.

    What was said while no socket was open is fetched from the history; the memory is the newest timestamp that is
    stored.
    """

    def __init__(self, parts: ChannelParts) -> None:
        super().__init__(parts)
        rule = "must be the app-level token, which begins with xapp-"
        self._app_token = common.secret(parts.secrets, "app_token", r"xapp-[\w-]{4,250}", rule)

    def _signing_secret(self, parts: ChannelParts) -> bytes:  # noqa: ARG002  # nothing is signed over a socket
        return b""

    def verify(self, request: WebhookRequest) -> None:  # noqa: ARG002  # whatever it is
        """Nobody calls: everything comes over the hub's own socket."""
        raise BadSignature("this inbox listens by itself and takes no webhooks")

    def listen(self, line: Line) -> None:
        """See `hub.ports.Listener`. An envelope is confirmed once it is stored; else Slack brings it again."""
        client = WebClient(self._token, base_url=f"{self._api_url}/", timeout=15)
        memory = _Memory(line)
        failed: list[Exception] = []
        told = threading.Event()

        def take(socket: BaseSocketModeClient, envelope: SocketModeRequest) -> None:
            if failed or envelope.type not in ("events_api", "interactive"):
                return
            try:
                memory.emit(envelope.payload)
            except Exception as error:  # not confirmed: it comes again, and the line says what is wrong
                failed.append(error)
                told.set()
                return
            socket.send_socket_mode_response(SocketModeResponse(envelope.envelope_id))

        socket = SocketModeClient(self._app_token, web_client=client, auto_reconnect_enabled=True, concurrency=1)
        socket.socket_mode_request_listeners.append(take)
        try:
            team = str(_asked(client, "auth.test").get("team_id", ""))
            socket.connect()
            session = ""
            while not line.stopped() and not failed:
                current = socket.session_id() if socket.is_connected() else ""
                if current and current != session:
                    # After the socket, so that nothing falls between the two; what both bring is stored once.
                    self._catch_up(client, line, memory, team)
                    session = current
                if current:
                    line.seen()
                told.wait(0.2)
                line.wait(_SEEN_EVERY if current else 1.0)
        except SlackApiError as error:
            raise _api_error(error) from error
        except (SlackClientError, OSError) as error:
            raise ChannelError("not_reached", "Slack cannot be reached") from error
        finally:
            with suppress(Exception):  # it may be gone already, and says so by errors of its own
                socket.close()
        if failed:
            raise failed[0]

    def _catch_up(self, client: WebClient, line: Line, memory: _Memory, team: str) -> None:
        """Emits what was said since the newest that is stored, oldest first. At the very first time nothing is."""
        if not memory.newest:
            memory.begin(self._clock.now())
            return
        since = memory.newest
        for place in _pages(
            client, line, "users.conversations", "channels", {"types": "im,mpim,public_channel,private_channel"}
        ):
            history = {"channel": place["id"], "oldest": since, "include_all_metadata": True}
            said = list(_pages(client, line, "conversations.history", "messages", history))
            kind = "im" if place.get("is_im") else "channel"
            for each in sorted(said, key=lambda each: str(each.get("ts", ""))):
                event = {**each, "channel": place["id"], "channel_type": kind}
                memory.emit({"type": "event_callback", "team_id": team, "event": event})


class _Memory:
    """The newest timestamp that is stored, and what stores."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._lock = threading.Lock()
        self.newest = line.memory

    def begin(self, now: int) -> None:
        with self._lock:
            self.newest = f"{now // 1_000_000}.{now % 1_000_000:06}"
            self._line.remember(self.newest)

    def emit(self, payload: dict[str, Any]) -> None:
        event = payload.get("event")
        stamp = event.get("ts", "") if isinstance(event, dict) else ""
        body = json.dumps(payload).encode()
        request = WebhookRequest("SOCKET", "socket", headers={"content-type": "application/json"}, body=body)
        with self._lock:
            newer = isinstance(stamp, str) and bool(_TIMESTAMP.fullmatch(stamp)) and stamp > self.newest
            self._line.emit(request, stamp if newer else "")
            if newer:
                self.newest = stamp


def _pages(client: WebClient, line: Line, method: str, name: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All pages of a list, as slowly as Slack wants it."""
    cursor = ""
    while True:
        try:
            found = _asked(client, method, **asked, limit=200, cursor=cursor)
        except SlackApiError as error:
            if error.response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                raise
            if line.wait(float(error.response.headers.get("Retry-After", 60))):
                return
            continue
        yield from common.objects(found, name)
        cursor = str((found.get("response_metadata") or {}).get("next_cursor", ""))
        if not cursor:
            return


def _asked(client: WebClient, method: str, **values: Any) -> dict[str, Any]:
    found = client.api_call(
        method, http_verb="GET", params={key: value for key, value in values.items() if value != ""}
    ).data
    return found if isinstance(found, dict) else {}


def _api_error(error: SlackApiError) -> ChannelError:
    code = str(error.response.get("error", "")) or str(error.response.status_code)
    return ChannelError(code, f"Slack says {code}", account=code in _ACCOUNT)


def _receipt(response: httpx.Response) -> Receipt:
    """Raises ChannelError. Slack says 200 to nearly everything; `ok` counts."""
    said = common.answered(response)
    if response.status_code != httpx.codes.OK:
        raise common.by_status(response, str(said.get("error", ""))[:50], "")
    if said.get("ok") is True:
        try:
            return Receipt(f"{common.identifier(said, 'channel')}:{common.identifier(said, 'ts')}")
        except Refused as error:
            raise common.odd_answer() from error
    raise _refusal(response, said)


def _refusal(response: httpx.Response, said: dict[str, Any]) -> ChannelError:
    code = said.get("error")
    if not isinstance(code, str) or not code:
        return common.odd_answer()
    needed = f", it needs {said['needed']}" if isinstance(said.get("needed"), str) else ""
    return ChannelError(
        code[:50],
        f"Slack says {code}{needed}"[:500],
        permanent=code not in _ACCOUNT | _LATER,
        account=code in _ACCOUNT,
        retry_after=common.pause(response),
    )


# --- events ---


def _document(request: WebhookRequest) -> dict[str, Any]:
    """A JSON body; of buttons it is a field of a form. Raises Refused."""
    if request.kind != FORM:
        return common.document(request)
    try:
        fields = parse_qs(request.body.decode("ascii"), max_num_fields=20)
        return common.as_object(json.loads(fields["payload"][0]), "payload")
    except (ValueError, KeyError, RecursionError) as error:
        raise Refused("payload", "must be JSON in a form") from error


def _events(found: dict[str, Any]) -> Sequence[InboundEvent]:
    """What is in an event. Raises Refused."""
    event = common.child(found, "event")
    team = common.text(found, "team_id", most=50)
    match common.text(event, "type", most=100):
        case "message":
            return _message(found, event, team)
        case "reaction_added" | "reaction_removed" as kind:
            item = common.child(event, "item")
            if item.get("type") != "message":
                return []
            name = common.text(event, "reaction", most=100).partition("::")[0]
            target = f"{common.identifier(item, 'channel')}:{common.identifier(item, 'ts')}"
            emoji, at = _EMOJI.get(name, f":{name}:"), _moment(event, "event_ts")
            return [Reaction(target, _user(event, team), emoji, at, removed=kind == "reaction_removed")]
        case "tokens_revoked" | "app_uninstalled" as kind:
            return [AccountTrouble(kind, "the app was removed from the workspace or lost its token")]
        case kind if kind in _SILENT:
            return []
        case _:
            raise Refused("type", "must be a kind of event that is known")


def _message(found: dict[str, Any], event: dict[str, Any], team: str) -> Sequence[InboundEvent]:
    subtype = common.text(event, "subtype", most=100)
    place = common.identifier(event, "channel")
    if subtype in _SILENT_MESSAGES:
        return []
    if subtype == "message_changed":
        now, before = common.child(event, "message"), common.child(event, "previous_message")
        # Slack unfurls links and counts answers by the same event.
        if "bot_id" in now or not isinstance(now.get("edited"), dict) or now.get("text") == before.get("text"):
            return []
        target = f"{place}:{common.identifier(now, 'ts')}"
        return [Edit(target, _user(now, team), _plain(now), _moment(common.child(now, "edited"), "ts"))]
    if subtype == "message_deleted":
        gone = common.child(event, "previous_message") if "previous_message" in event else {}
        who = _user(gone, team) if "user" in gone else Address(CHANNEL, place, team)
        return [Deletion(f"{place}:{common.identifier(event, 'deleted_ts')}", who)]
    if subtype == "bot_message" or "bot_id" in event:
        return _own(event, place)
    who = _user(event, team)
    shared = common.text(event, "channel_type", most=20) != "im"
    if shared and found.get("is_ext_shared_channel") and who.scope == team:
        raise Refused("user", "must be of the customer's workspace: this one is the firm's own")
    stamp = common.identifier(event, "ts")
    thread = common.text(event, "thread_ts", most=50)
    words, (files, unknown) = _plain(event), _files(event)
    root = thread or stamp
    return [
        InboundMessage(
            external_id=f"{place}:{stamp}",
            address=who,
            text=words,
            thread_key=f"{place}:{root}" if shared else "",
            media=files,
            to=f"{place}@{root}" if shared or thread else place,
            sent_at=_moment(event, "ts"),
            answers=f"{place}:{thread}" if thread and thread != stamp else "",
            unsupported=unknown if (words or files) and subtype in _WORDS else subtype or "message",
        )
    ]


def _own(event: dict[str, Any], place: str) -> Sequence[InboundEvent]:
    """A message of our own that comes back says that Slack has it; those of other apps are nobody's."""
    metadata = event.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    if not isinstance(payload, dict) or metadata is None or metadata.get("event_type") != _METADATA:
        return []
    message_id = common.identifier(payload, "message_id")
    return [DeliveryUpdate(Delivery.SENT, f"{place}:{common.identifier(event, 'ts')}", message_id)]


def _user(event: dict[str, Any], team: str) -> Address:
    """Who it was: the same id may be another person's in another workspace."""
    own = common.text(event, "user_team", most=50) or common.text(event, "team", most=50) or team
    return Address(CHANNEL, common.identifier(event, "user"), own)


def _moment(found: dict[str, Any], name: str) -> int:
    value = common.identifier(found, name)
    if not _TIMESTAMP.fullmatch(value):
        raise Refused(name, "must be seconds and their millionths")
    seconds, _, rest = value.partition(".")
    return int(seconds) * 1_000_000 + int(rest[:6].ljust(6, "0"))


_MARKED = re.compile(r"<([^<>|]{1,3000})(?:\|([^<>]{0,3000}))?>")


def _plain(found: dict[str, Any]) -> str:
    """The words without Slack's marks: links as address and label, people and channels by name."""

    def unmarked(mark: re.Match[str]) -> str:
        target, label = mark[1], mark[2] or ""
        if target[0] in "@#!":
            return target[0].replace("!", "@") + (label or target[1:])
        bare = target.removeprefix("mailto:").removeprefix("tel:")
        return bare if not label or label == bare or label in target else f"{label} ({bare})"

    words = _MARKED.sub(unmarked, common.text(found, "text"))
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _files(event: dict[str, Any]) -> tuple[tuple[RemoteMedia, ...], str]:
    """The files of a message, and `file` where one of them cannot be had: it costs neither the words nor the others."""
    named = event.get("files")
    found: list[RemoteMedia] = []
    for each in named if isinstance(named, list) else ():
        with suppress(Refused):
            found.append(_file(common.as_object(each, "files")))
    return tuple(found), "" if named is None or (isinstance(named, list) and len(found) == len(named)) else "file"


def _file(found: dict[str, Any]) -> RemoteMedia:
    url = common.text(found, "url_private_download", most=2000) or common.text(found, "url_private", most=2000)
    if not url.startswith(("https://", "http://")):
        raise Refused("url_private_download", "must be an address")
    kind, name = common.text(found, "mimetype", most=100), common.text(found, "name", most=200)
    return RemoteMedia(url, kind, name, common.whole(found, "size"))


def _pressed(found: dict[str, Any]) -> Sequence[InboundEvent]:
    """A button of ours was pressed: its title is what the customer said by it."""
    user, place = common.child(found, "user"), common.identifier(common.child(found, "channel"), "id")
    made: list[InboundEvent] = []
    for action in common.objects(found, "actions"):
        if action.get("type") != "button":
            raise Refused("actions", "must be buttons")
        title, stamp = common.text(common.child(action, "text"), "text"), common.identifier(action, "action_ts")
        under = common.child(found, "message")
        thread = common.text(under, "thread_ts", most=50)
        made.append(
            InboundMessage(
                external_id=f"action:{place}:{stamp}",
                address=Address(CHANNEL, common.identifier(user, "id"), common.text(user, "team_id", most=50)),
                text=title,
                thread_key=f"{place}:{thread}" if thread else "",
                payload=common.text(action, "value", most=200) or "-",
                to=f"{place}@{thread}" if thread else place,
                sent_at=_moment(action, "action_ts"),
                answers=f"{place}:{common.identifier(under, 'ts')}",
            )
        )
    return made
