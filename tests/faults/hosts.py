"""Hosts with a network of their own on this machine: Linux's network namespaces on one bridge. One that is cut off
hears nothing and is told nothing, not even that it is."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

_NETWORKS = 0x40000000  # CLONE_NEWNET, clone(2)


class NotAllowed(Exception):
    """This machine lets nobody make networks; says why."""


class Network:
    """A context manager: so many hosts on one wire, and ourselves.

    Args:
        hosts: their names.

    Raises NotAllowed when it is entered.
    """

    def __init__(self, hosts: Sequence[str]) -> None:
        number = os.getpid()
        self._bridge = f"ct{number}"
        self._hosts = {host: f"ct{number}-{place}" for place, host in enumerate(hosts, 2)}
        self._net = f"10.{213 + number // 250 % 40}.{number % 250}"
        self.ours = f"{self._net}.1"

    def namespace(self, host: str) -> str:
        """What `move_to` wants."""
        return self._hosts[host]

    def address(self, host: str) -> str:
        return f"{self._net}.{self._hosts[host].rpartition('-')[2]}"

    def cut(self, host: str) -> None:
        """From now on what is sent to or from a host is lost, without a word."""
        _ip("link", "set", self._hosts[host], "down")

    def heal(self, host: str) -> None:
        _ip("link", "set", self._hosts[host], "up")

    def __enter__(self) -> Network:
        if shutil.which("ip") is None:
            raise NotAllowed("there is no program `ip` (Debian's iproute2)")
        try:
            _ip("link", "add", self._bridge, "type", "bridge")
            _ip("address", "add", f"{self.ours}/24", "dev", self._bridge)
            _ip("link", "set", self._bridge, "up")
            for host, space in self._hosts.items():
                _ip("netns", "add", space)
                _ip("link", "add", space, "type", "veth", "peer", "name", "eth0", "netns", space)
                _ip("-n", space, "address", "add", f"{self.address(host)}/24", "dev", "eth0")
                for inside in ("lo", "eth0"):
                    _ip("-n", space, "link", "set", inside, "up")
                _ip("link", "set", space, "master", self._bridge, "up")
        except subprocess.CalledProcessError as error:
            self.__exit__()
            raise NotAllowed(error.stderr.strip()) from error
        return self

    def __exit__(self, *_: object) -> None:
        for words in (
            *(("link", "delete", space) for space in self._hosts.values()),
            *(("netns", "delete", space) for space in self._hosts.values()),
            ("link", "delete", self._bridge),
        ):
            subprocess.run(["ip", *words], capture_output=True, check=False)  # what was not made is not there


def move_to(namespace: str) -> None:
    """Puts the calling thread, and with it all that it starts, into a namespace (setns(2)). Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    handle = os.open(Path("/run/netns") / namespace, os.O_RDONLY)
    try:
        if library.setns(handle, _NETWORKS):
            raise OSError(ctypes.get_errno(), f"cannot enter the network of {namespace}")
    finally:
        os.close(handle)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, check=True, text=True)
