"""The simulators as a web application, and the process that serves it."""

from __future__ import annotations

import ipaddress
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, Response, send_from_directory
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from channels.simulators import apps as messaging
from channels.simulators import control, mail_control, twilio_rest
from channels.simulators import meta as graph
from channels.simulators.apps import Apps
from channels.simulators.lanes import Lanes
from channels.simulators.ledger import Ledger
from channels.simulators.mail import MailWorld
from channels.simulators.mail_ledger import MailLedger
from channels.simulators.messaging import Provider
from channels.simulators.meta import Meta
from channels.simulators.twilio import Twilio

PAGE = Path(__file__).parent / "phone_page"
MAIL_PAGE = Path(__file__).parent / "mail_page"
# Where the Graph API is, below the simulator's address.
META_PATH = "/meta"
# Five pictures of 5 MB in base64.
_BODY_LIMIT = 36 * 1024 * 1024
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
# Each text that waits for the hub, each open page and each answer that is kept back holds a thread.
_THREADS = 96
_LANES = 32


def create_app(
    twilio: Twilio,
    mail: MailWorld | None = None,
    apps: Apps | None = None,
    meta: Meta | None = None,
    *,
    host: str = "127.0.0.1",
) -> Flask:
    """The application: the provider's API, the control API and the pages.

    Args:
        twilio: the simulated account.
        mail: the customers' mailboxes; without them there is no page for them either.
        apps: Telegram, LINE and Slack, likewise.
        meta: WhatsApp, Messenger and Instagram, likewise; reached at `META_PATH`.
        host: the name or address that it is served on, besides those of loopback.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = _BODY_LIMIT
    names = frozenset({"127.0.0.1", "localhost", "::1", host})
    app.register_blueprint(twilio_rest.routes(twilio))
    providers: dict[str, Provider] = {}
    if apps is not None:
        providers |= dict.fromkeys(messaging.APPS, apps)
        app.register_blueprint(messaging.routes(apps))
    if meta is not None:
        providers |= dict.fromkeys(graph.APPS, meta)
        app.register_blueprint(graph.routes(meta), url_prefix=META_PATH)
    app.register_blueprint(control.routes(twilio, names, providers, with_mail=mail is not None))

    @app.get("/")
    def page() -> Response:
        control.refuse_strangers(names)
        return _page_file(PAGE, "index.html")

    @app.get("/page/<path:name>")
    def page_file(name: str) -> Response:
        return _page_file(PAGE, name)

    if mail is not None:
        app.register_blueprint(mail_control.routes(mail, names))

        @app.get("/mail")
        def mail_page() -> Response:
            control.refuse_strangers(names)
            return _page_file(MAIL_PAGE, "index.html")

        @app.get("/mail/page/<path:name>")
        def mail_page_file(name: str) -> Response:
            return _page_file(MAIL_PAGE, name)

    return app


def _page_file(folder: Path, name: str) -> Response:
    response = send_from_directory(folder, name)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-cache"
    return response


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class Running:
    """What a process of the simulators has at work."""

    app: Flask
    stop: Callable[[], None]


def assemble(
    make_twilio: Callable[[Ledger, Lanes], Twilio],
    data: Path | None,
    host: str,
    *,
    mail_port: int = 0,
    hub_mail: tuple[str, int] | None = None,
    make_apps: Callable[[Ledger, Lanes], tuple[Apps, Meta]] | None = None,
) -> Running:
    """Opens the ledgers, starts the lanes and, where there is mail, its server.

    Args:
        make_twilio: makes the account over them.
        data: the folder of the ledgers; None keeps them in memory.
        host: as for `create_app`; the mail server listens there too.
        mail_port: where the hub hands over mail for customers; 0 chooses one.
        hub_mail: the hub's mail listener; None: no mail.
        make_apps: makes the messaging apps over the same ledger; None: none of them.

    Raises OSError where the mail server's port is taken.
    """
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(data / "ledger.sqlite3" if data is not None else None)
    lanes = Lanes()
    twilio = make_twilio(ledger, lanes)
    mail = None
    if hub_mail is not None:
        mail = MailWorld(MailLedger(data / "mail.sqlite3" if data is not None else None), lanes, hub_mail)
        mail.listen(host, mail_port)
    apps, meta = make_apps(ledger, lanes) if make_apps is not None else (None, None)
    lanes.start(_LANES)

    def stop() -> None:
        if apps is not None:
            apps.close()
        if meta is not None:
            meta.close()
        twilio.release()
        lanes.stop()
        twilio.close()
        ledger.close()
        if mail is not None:
            mail.close()
            mail.ledger.close()

    return Running(create_app(twilio, mail, apps, meta, host=host), stop)


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn carries no annotations
    """Ends at once: left to itself it would look for its end once a second, and wait for pages that wait for news."""

    def handle_exit(self, sig: int, frame: object) -> None:
        """On SIGTERM."""
        # Not in here: the signal may have come in the middle of anything, with any lock held.
        threading.Thread(target=self.app.end).start()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: object) -> None:
        """On SIGINT and SIGQUIT."""
        self.handle_exit(sig, frame)


class Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn carries no annotations
    """gunicorn with one process of threads; settings from here alone."""

    def __init__(self, host: str, port: int, start: Callable[[], Running], ready: Callable[[], None]) -> None:
        self._start = start
        self._running: Running | None = None
        self._ending = threading.Lock()
        self._options: dict[str, Any] = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": 1,
            "worker_class": Worker,
            "threads": _THREADS,
            "worker_connections": 1000,
            "keepalive": 30,
            "graceful_timeout": 1,
            "loglevel": "warning",
            "control_socket_disable": True,
            "post_worker_init": lambda _: ready(),
            "worker_exit": lambda _, __: self.end(),
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        # In the worker, after the fork: threads and SQLite's connections do not survive one.
        running = self._running = self._start()
        return running.app

    def end(self) -> None:
        """Ends what was started, and with it the process: threads that wait for the hub would hold it up. The arbiter,
        which started nothing, calls this too."""
        with self._ending:
            if self._running is not None:
                self._running.stop()
                sys.stdout.flush()
                os._exit(0)
