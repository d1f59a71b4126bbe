"""Socket.IO for agents' screens and visitors' chats: who may come in, which room they are in, who is writing.

Websocket transport only, one path, two namespaces. What happens goes out through `hub.live.push`; what comes in is only
"I am writing": everything that is to be kept goes over HTTP.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from engineio import packet as engine_packet
from flask import Flask, request
from flask_socketio import ConnectionRefusedError, Namespace, SocketIO, join_room
from socketio import packet as socket_packet

from hub.domain import rooms
from hub.domain.errors import DatabaseAway, HubError, NotSignedIn, Refused
from hub.domain.permissions import require
from hub.hub import Hub
from hub.live.gate import ENVIRON_KEY, RESERVED_THREADS, Connection, SocketGate
from hub.live.push import LivePush, RenderForAgents, RenderForVisitors
from hub.live.wire import Outgoing, Pings, Shared, websockets
from hub.services import sign_in, typing, web_chat
from hub.services.rate_limit import RateLimit

log = logging.getLogger(__name__)

PATH = "/socket.io/"
AGENTS, VISITORS = "/agents", "/widget"
# Nothing that a screen may say is longer. Bytes.
LONGEST_MESSAGE = 16 * 1024
# Seconds: between looks for hopeless connections, and for agents who have signed out or were disabled since.
TICK = 1.0
RECHECK = 30.0


Kind = TypeVar("Kind", str, bool)
_KINDS: Mapping[type, str] = {str: "text", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class Member:
    """A socket that was let in. `who` is the agent's id or the visitor's, `session` the agent's cookie."""

    who: str
    room: str
    connection: Connection
    inbox_id: str = ""
    session: str = ""


class Screens(Namespace):  # type: ignore[misc]  # Flask-SocketIO carries no annotations
    """What both namespaces share: letting in, letting go, and answering for errors."""

    def __init__(self, namespace: str, hub: Hub, push: LivePush) -> None:
        super().__init__(namespace)
        self.hub = hub
        self.push = push
        self.members: dict[str, Member] = {}
        self.typing = RateLimit(per_second=2, burst=8)

    def let_in(self, who: str, room: str, **more: str) -> None:
        """Puts the calling socket into a room. From then on it misses nothing: it is told so only afterwards."""
        connection: Connection = request.environ[ENVIRON_KEY]
        server, sid = self.socketio.server, _sid()
        engine_sid = server.manager.eio_sid_from_sid(sid, self.namespace)
        try:
            self.push.joined(room)
        except HubError as error:
            raise ConnectionRefusedError(error.error_id) from error
        self.members[sid] = Member(who, room, connection, **more)
        join_room(room)
        connection.joined(server.eio.sockets[engine_sid].queue)

    def on_disconnect(self, *_: object) -> None:
        # A client may say that it leaves, and then leave.
        member = self.members.pop(_sid(), None)
        if member is not None:
            self.push.left(member.room)
            member.connection.left()

    def member(self) -> Member | None:
        """Whose the calling socket is; None once it has left, or where it writes faster than anybody can."""
        sid = _sid()
        member = self.members.get(sid)
        return member if member is not None and self.typing.allows(sid) else None

    def error(self, error: Exception) -> dict[str, str | None]:
        """What a handler raised, as the answer to who called it."""
        if isinstance(error, ConnectionRefusedError):
            raise error
        if isinstance(error, HubError):
            field, rule = (error.field, error.rule) if isinstance(error, Refused) else (None, None)
            return {"error_id": error.error_id, "message": str(error), "field": field, "rule": rule}
        log.error("an event of %s failed", self.namespace, exc_info=error)
        return {"error_id": "internal", "message": "something went wrong here; it was written down"}


class Agents(Screens):
    def on_connect(self, _: object = None) -> None:
        secure = self.hub.settings.public_url.startswith("https://")
        token = request.cookies.get(sign_in.cookie_name(secure=secure), "")
        try:
            agent_id = self.agent_of(token)
        except HubError as error:
            raise ConnectionRefusedError(error.error_id) from error
        self.let_in(agent_id, rooms.AGENTS, session=token)

    def on_typing(self, *data: object) -> None:
        conversation_id, on = _field(data, "conversation_id", str), _field(data, "on", bool)
        if member := self.member():
            typing.by_agent(self.hub, member.who, conversation_id, on=on)

    def on_reading(self, *data: object) -> None:
        conversation_id = _field(data, "conversation_id", str)
        if member := self.member():
            typing.reads(self.hub, member.who, conversation_id)

    def agent_of(self, token: str) -> str:
        """The agent of a session's cookie. Raises NotSignedIn, Forbidden."""
        with self.hub.store.read() as connection:
            session = sign_in.current(connection, token, self.hub.clock.now())
        if session is None:
            raise NotSignedIn("sign in first")
        require(session.role, "read_conversations")
        return session.agent_id

    def recheck(self) -> None:
        """Cuts off who may not look on any more. Raises DatabaseAway."""
        for member in list(self.members.values()):
            try:
                self.agent_of(member.session)
            except DatabaseAway:
                raise  # nobody knows who may
            except HubError:
                member.connection.cut()


class Visitors(Screens):
    def on_connect(self, auth: object = None) -> None:
        token = auth.get("token") if isinstance(auth, dict) else None
        try:
            visitor, _, _ = web_chat.visitor_of(self.hub, token if isinstance(token, str) else "", "socket")
        except HubError as error:
            raise ConnectionRefusedError(error.error_id) from error
        room = rooms.visitor(visitor.inbox_id, visitor.visitor_id)
        self.let_in(visitor.visitor_id, room, inbox_id=visitor.inbox_id)

    def on_typing(self, *data: object) -> None:
        on = _field(data, "on", bool)
        if member := self.member():
            typing.by_visitor(self.hub, member.inbox_id, member.who, on=on)


def _sid() -> str:
    """The calling socket's id in its namespace: Flask-SocketIO puts it there."""
    sid: str = request.sid  # type: ignore[attr-defined]
    return sid


def _field(data: tuple[object, ...], name: str, kind: type[Kind]) -> Kind:
    """A field of an event's only argument. Raises Refused."""
    value = data[0].get(name) if len(data) == 1 and isinstance(data[0], dict) else None
    if not isinstance(value, kind):
        raise Refused(name, f"must be {_KINDS[kind]}")
    return value


class LiveSockets:
    """The whole application with its web sockets: what the server serves.

    Args:
        app: the Flask application.
        hub: its hub.
        push: told here where to push to.
        render_agents: a page of the feed as agents see it.
        render_visitors: a page of the feed as visitors see it.
    """

    def __init__(
        self,
        app: Flask,
        hub: Hub,
        push: LivePush,
        *,
        render_agents: RenderForAgents,
        render_visitors: RenderForVisitors,
    ) -> None:
        self._push = push
        self._render_agents, self._render_visitors = render_agents, render_visitors
        self._agents, self._visitors = Agents(AGENTS, hub, push), Visitors(VISITORS, hub, push)
        # Everything but sockets goes past the library, which asks of each request in turn whether it is one.
        self._web = app.wsgi_app
        # The library tells of every packet at the level INFO.
        library_log = logging.getLogger(f"{__name__}.library")
        library_log.setLevel(logging.WARNING)
        self._socketio = SocketIO(
            app,
            async_mode="gevent" if hub.settings.profile == "gevent" else "threading",
            transports=["websocket"],
            # The gate knows better: it asks for an Origin even where none is sent.
            cors_allowed_origins=[],
            manage_session=False,
            # In the order in which they come: "on" before "off".
            async_handlers=False,
            max_http_buffer_size=LONGEST_MESSAGE,
            logger=library_log,
            engineio_logger=library_log,
        )
        engine = self._socketio.server.eio
        engine._async = {**engine._async, "websocket": websockets(LONGEST_MESSAGE), "queue": Outgoing}
        self._pings = Pings(engine)
        self._socketio.on_namespace(self._agents)
        self._socketio.on_namespace(self._visitors)
        self._gate = SocketGate(
            app.wsgi_app, most=hub.settings.threads - RESERVED_THREADS, public_url=hub.settings.public_url
        )
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="live-keeper", daemon=True)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(PATH):
            return self._web(environ, start_response)
        return self._gate(environ, start_response)

    def start(self) -> None:
        """Begins to push and to look after connections. In the process that serves, after its fork."""
        self._push.start(self.emit, self._render_agents, self._render_visitors)
        self._keeper.start()

    def close_sockets(self) -> None:
        """Ends all web sockets and lets none in any more. Their screens come back, and ask the feed."""
        self._gate.close()

    def stop(self) -> None:
        self.close_sockets()
        self._stopping.set()
        self._push.stop()

    def emit(self, event: str, data: Mapping[str, Any], room: str) -> None:
        """Hands an event to all sockets of a room: sent at once or queued, so that none waits for another."""
        namespace = VISITORS if rooms.is_visitors(room) else AGENTS
        server = self._socketio.server
        packet = socket_packet.Packet(socket_packet.EVENT, namespace=namespace, data=[event, data])
        encoded, sockets = Shared(engine_packet.MESSAGE, packet.encode()), server.eio.sockets
        for _, engine_sid in list(server.manager.get_participants(namespace, room)):
            member = sockets.get(engine_sid)
            # Past its `send`, which asks each time whether a ping is overdue: the library asks that by the minute, too.
            if member is not None and not member.closed:
                member.queue.put(encoded)

    def _keep(self) -> None:
        ticks = 0
        while not self._stopping.wait(TICK):
            ticks += 1
            self._pings.send_due()
            self._gate.cut_hopeless()
            if ticks % (RECHECK // TICK) == 0:
                try:
                    self._agents.recheck()
                except Exception as error:  # the database may be away; sessions are asked about again
                    log.warning("sessions could not be checked: %s", error)
