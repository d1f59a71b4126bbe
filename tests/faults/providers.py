"""The other side of one schedule: simulated Twilio and mail servers with ledgers of their own, and a bot's server."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from channels.simulators.faults import MAIL_MENU
from channels.simulators.lanes import Lanes
from channels.simulators.ledger import Ledger
from channels.simulators.mail import MailTiming, MailWorld
from channels.simulators.mail_ledger import MailLedger
from channels.simulators.server import create_app
from channels.simulators.twilio import Timing, Twilio
from channels.simulators.twilio_account import Account, Number
from tests.faults.firm import ACCOUNT, NUMBER, TOKEN

_THREADS = 8
# A hub that was killed is there again within two seconds; a provider is patient for six.
_AGAIN = "#rc=5&rp=all&ct=2000&rt=8000"


class _Silent(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        pass


class Providers:
    """A context manager. Everything is kept in this process's memory, whatever happens to the hub."""

    def __init__(self, hub_url: str, hub_mail: int, port: int, mail_port: int, host: str = "127.0.0.1") -> None:
        self.url = f"http://{host}:{port}"
        self.ledger, self.mail_ledger, self.lanes = Ledger(), MailLedger(), Lanes()
        account = Account(ACCOUNT, TOKEN)
        timing = Timing(queued=0.01, sent=0.02, final=0.05, retry=0.1)
        self.twilio = Twilio(account, self.ledger, self.lanes, base_url=self.url, timing=timing)
        self.answers(NUMBER, hub_url)
        place = ("127.0.0.1", hub_mail)
        self.mail = MailWorld(self.mail_ledger, self.lanes, place, timing=MailTiming(retry=0.1, robot=0.05))
        self._mail_port = mail_port
        app = create_app(self.twilio, self.mail)
        self._server = make_server(host, port, app, threaded=True, request_handler=_Silent)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def answers(self, number: str, hub_url: str) -> None:
        """A number of the firm, whose texts go to a hub."""
        self.twilio.set_number(Number(number, f"{hub_url}/webhooks/demo-sms{_AGAIN}", opt_out="off"))

    def fault(self, channel: str, values: Mapping[str, Any]) -> None:
        """Puts a fault in force at one of the two."""
        faults = self.mail.faults if channel == "mail" else self.twilio.faults
        assert channel != "mail" or faults.menu is MAIL_MENU
        faults.add(values)

    def are_quiet(self) -> bool:
        """Whether nothing is on its way to the hub."""
        return not self.lanes._lanes

    def __enter__(self) -> Providers:
        self.mail.listen("127.0.0.1", self._mail_port)
        self.lanes.start(_THREADS)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.twilio.release()
        self.lanes.stop()
        self._server.shutdown()
        self._server.server_close()
        self.twilio.close()
        self.mail.close()


class Bot:
    """What a Rasa server's hub channel answers (docs/bot.md): it is sure, and takes its time. A context manager."""

    def __init__(self, port: int, seconds: float) -> None:
        bot = self
        self.asked: list[str] = []
        self._dead = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                bot.asked.append(body.get("message_id", ""))
                if bot._dead.wait(seconds):
                    self.close_connection = True
                    return
                self._say(
                    {
                        "messages": [{"text": f"The bot on {body['text']!r}", "buttons": []}],
                        "intent": "greet",
                        "confidence": 0.99,
                        "handoff_reason": "",
                        "fallback": False,
                        "in_form": False,
                        "slots": {},
                        "verified_level": "none",
                        "verification_failed": False,
                        "model_id": "schedules",
                    }
                )

            def do_GET(self) -> None:
                self._say({"model_id": "schedules", "version": "0", "actions": "ready"})

            def _say(self, answer: Mapping[str, Any]) -> None:
                raw = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def die(self) -> None:
        """Nobody takes a connection any more, and what was being thought is never answered."""
        self._dead.set()
        self.__exit__()

    def __enter__(self) -> Bot:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
