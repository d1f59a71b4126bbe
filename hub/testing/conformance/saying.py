"""Checks of what a channel says of itself."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType

from hub.testing.conformance.subject import (
    ChannelKit,
    Subject,
    demand,
)


def check_limits(subject: Subject) -> None:
    c = subject.channel.capabilities
    demand(re.fullmatch(r"[a-z][a-z0-9_]{1,31}", c.channel), f"capabilities.channel {c.channel!r} is no short name")
    demand(c.text_limit > 0, "capabilities.text_limit must be more than 0")
    demand(c.buttons >= 0, "capabilities.buttons must not be negative")
    demand(c.attachments == (c.attachment_limit > 0), "capabilities: attachments go with an attachment_limit")
    demand(c.attachments == bool(c.media_types), "capabilities: attachments go with media_types")
    for each in c.media_types:
        demand(re.fullmatch(r"[a-z]+/([a-z0-9.+-]+|\*)", each), f"capabilities.media_types: {each!r} is no media type")
    demand(
        c.reply_window is None or c.reply_window > 0, "capabilities.reply_window must be None or more than 0 seconds"
    )
    demand(c.messages_per_second >= 0, "capabilities.messages_per_second must not be negative")
    demand(c == subject.kit.make(subject.parts).capabilities, "two channels of one inbox have different capabilities")
    demand(subject.kit.customer.channel == c.channel, "the kit's customer must have an address of the channel")
    demand(bool(subject.kit.signs) != subject.listens, "a channel has signed webhooks, or it fetches for itself")


def check_imports(subject: Subject) -> None:
    for module in modules(subject.kit):
        tree = ast.parse(inspect.getsource(module))
        for name in _imported(tree, module.__package__ or ""):
            demand(_may_import(name, module), f"{module.__name__} imports {name}: of the hub only ports and domain")
    names = [module.__name__ for module in modules(subject.kit)]
    done = subprocess.run(  # noqa: S603  # ourselves
        [sys.executable, "-B", "-c", _IMPORTING, *names],
        capture_output=True,
        text=True,
        env={"PATH": "", "PYTHONPATH": _path()},
    )
    demand(done.returncode == 0, f"importing the channel has effects: {(done.stdout + done.stderr).strip()[-500:]}")


# urllib3, which many a provider's library brings along, binds a socket on import to learn whether there is IPv6.
_IMPORTING = """
import contextlib, logging, os, sys, threading
with contextlib.suppress(ImportError):
    import urllib3
found = []
before = dict(os.environ), logging.root.level, list(logging.root.handlers)
def hook(name, arguments):
    mode = arguments[1] if name == "open" and len(arguments) > 1 else ""
    if name.startswith(("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.", "os.fork", "os.system")):
        found.append(name)
    elif isinstance(mode, str) and any(letter in mode for letter in "wax+"):
        found.append(f"writes {arguments[0]}")
sys.addaudithook(hook)
for name in sys.argv[1:]:
    __import__(name)
if threading.active_count() > 1:
    found.append("starts a thread")
if (dict(os.environ), logging.root.level, list(logging.root.handlers)) != before:
    found.append("changes the environment or the logging")
print(*found, sep=", ")
sys.exit(bool(found))
"""


def _path() -> str:
    return ":".join(each for each in sys.path if each)


def modules(kit: ChannelKit) -> tuple[ModuleType, ...]:
    """The modules that a channel consists of: its maker's, and those that the kit names."""
    made = inspect.getmodule(kit.make)
    assert made is not None  # noqa: S101  # a function has a module
    return (made, *kit.modules)


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            yield ".".join([*above, *([node.module] if node.module else [])])
        elif isinstance(node, ast.ImportFrom) and node.module == "hub":
            yield from (f"hub.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _may_import(name: str, module: ModuleType) -> bool:
    first, _, rest = name.partition(".")
    if first == "hub":
        return rest.partition(".")[0] in ("ports", "domain")
    if first == "channels":
        # Within its own folder: `channels.sms.x` may know `channels.sms.y`.
        return ".".join(name.split(".")[:2]) == ".".join(module.__name__.split(".")[:2])
    return first not in ("bot", "kb", "flask", "apiflask", "werkzeug", "sqlalchemy", "rq", "redis", "socketio")
