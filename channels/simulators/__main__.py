"""`python -m channels.simulators`: the providers' side on this machine. See docs/simulators.md."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from channels.simulators import apps as messaging
from channels.simulators import meta as graph
from channels.simulators.apps import Apps
from channels.simulators.lanes import Lanes
from channels.simulators.ledger import Ledger
from channels.simulators.meta import Meta
from channels.simulators.server import META_PATH, Gunicorn, Running, assemble, is_loopback
from channels.simulators.twilio import Twilio
from channels.simulators.twilio_account import Account, Number, is_number

APPS = (*graph.APPS, *messaging.APPS)
_SID = re.compile(r"AC[0-9a-f]{32}")


def account_from(environment: Mapping[str, str]) -> Account:
    """The account's secrets; from the environment, because everybody on the machine can read arguments.

    Raises ValueError, naming the variable, when one is missing or malformed.
    """
    sid = environment.get("CENTRALITA_SIMULATOR_ACCOUNT", "")
    token = environment.get("CENTRALITA_SIMULATOR_TOKEN", "")
    if not _SID.fullmatch(sid):
        raise ValueError("CENTRALITA_SIMULATOR_ACCOUNT: must be AC and 32 hexadecimal digits")
    if len(token) < 16:
        raise ValueError("CENTRALITA_SIMULATOR_TOKEN: must be at least 16 characters")
    key_id, _, secret = environment.get("CENTRALITA_SIMULATOR_SHARED_KEY", "").partition(":")
    return Account(sid, token, (key_id, secret) if key_id and secret else None)


def number_from(argument: str) -> Number:
    """`+34600111222=http://127.0.0.1:8000/webhooks/demo-sms`. Raises ValueError."""
    number, _, address = argument.partition("=")
    if not is_number(number) or not address.startswith(("http://", "https://")):
        raise ValueError(f"{argument}: must be NUMBER=ADDRESS such as +34600111222=http://127.0.0.1:8000/webhooks/sms")
    return Number(number, address)


def app_from(argument: str) -> tuple[str, str]:
    """`telegram=http://127.0.0.1:8000/webhooks/demo-telegram`. Raises ValueError."""
    app, _, address = argument.partition("=")
    if app not in APPS or not address.startswith(("http://", "https://")):
        raise ValueError(f"{argument}: must be APP=ADDRESS, the app one of {', '.join(APPS)}")
    return app, address


def place_from(argument: str) -> tuple[str, int]:
    """`127.0.0.1:8003`. Raises ValueError."""
    host, _, port = argument.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"{argument}: must be HOST:PORT such as 127.0.0.1:8003")
    return host.strip("[]"), int(port)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGTERM or SIGINT. Returns the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m channels.simulators", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where to listen")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--data", type=Path, help="the ledger's folder; without it everything is kept in memory")
    parser.add_argument("--number", action="append", default=[], metavar="NUMBER=WEBHOOK", help="a number of the firm")
    parser.add_argument("--app", action="append", default=[], metavar="APP=WEBHOOK", help=f"one of {', '.join(APPS)}")
    parser.add_argument("--hub-mail", metavar="HOST:PORT", help="the hub's mail listener; without it there is no mail")
    parser.add_argument("--mail-port", type=int, default=8002, help="where the hub hands over mail for customers")
    parser.add_argument("--open-to-network", action="store_true", help="listen where other machines reach it")
    options = parser.parse_args(arguments)
    try:
        account = account_from(os.environ)
        numbers = [number_from(each) for each in options.number]
        webhooks = dict(app_from(each) for each in options.app)
        hub_mail = place_from(options.hub_mail) if options.hub_mail else None
    except ValueError as error:
        print(f"simulators: {error}", file=sys.stderr)
        return 2
    if not is_loopback(options.host) and not options.open_to_network:
        print(f"simulators: --host {options.host}: whoever reaches this plays any customer", file=sys.stderr)
        return 2
    address = f"http://{options.host}:{options.port}"

    def make(ledger: Ledger, lanes: Lanes) -> Twilio:
        twilio = Twilio(account, ledger, lanes, base_url=address)
        for number in numbers:
            twilio.set_number(number)
        return twilio

    def make_apps(ledger: Ledger, lanes: Lanes) -> tuple[Apps, Meta]:
        apps = Apps(account.token, ledger, lanes, address)
        apps.webhooks = {app: url for app, url in webhooks.items() if app in messaging.APPS}
        meta = Meta(account.token, ledger, lanes, address + META_PATH)
        meta.webhooks = {app: url for app, url in webhooks.items() if app in graph.APPS}
        meta.templates = [dict(each) for each in graph.TEMPLATES]
        return apps, meta

    def start() -> Running:
        with_apps = make_apps if webhooks else None
        where = options.data, options.host
        return assemble(make, *where, mail_port=options.mail_port, hub_mail=hub_mail, make_apps=with_apps)

    Gunicorn(options.host, options.port, start, lambda: print(f"Simulators answer on {address}", flush=True)).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
