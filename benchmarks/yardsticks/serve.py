"""Serves a yardstick under the hub's gunicorn settings: `… -m benchmarks.yardsticks.serve NAME PORT THREADS CORES`.

The settings are written out again rather than imported: a yardstick has nothing of the hub in it. A test of the harness
holds the two equal. CORES is `given` or `one`: the hub keeps its threads on one core, which gunicorn does not do.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from gunicorn.app.base import BaseApplication

IN_MEMORY = "/dev/shm"  # noqa: S108  # as the hub has it


def options(port: int, threads: int) -> dict[str, Any]:
    """gunicorn's settings, as the hub serves with them."""
    return {
        "bind": f"127.0.0.1:{port}",
        "workers": 1,
        "worker_class": "gthread",
        "threads": threads,
        "worker_connections": threads + 1000,
        "timeout": 120,
        "keepalive": 15,
        "worker_tmp_dir": IN_MEMORY if os.access(IN_MEMORY, os.W_OK | os.X_OK) else None,
        "loglevel": "warning",
        "control_socket_disable": True,
    }


class Yardstick(BaseApplication):  # type: ignore[misc]  # gunicorn carries no annotations
    def __init__(self, name: str, port: int, threads: int, *, one_core: bool = False) -> None:
        self._name, self._port, self._threads, self._one_core = name, port, threads, one_core
        super().__init__()

    def load_config(self) -> None:
        for name, value in options(self._port, self._threads).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        if self._one_core:  # before there are threads, which all stay on it
            cores = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {sorted(cores)[os.getpid() % len(cores)]})
        return importlib.import_module(f"benchmarks.yardsticks.{self._name}").app


if __name__ == "__main__":
    _, name, port, threads, cores = sys.argv
    Yardstick(name, int(port), int(threads), one_core=cores == "one").run()
