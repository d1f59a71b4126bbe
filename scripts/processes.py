"""Child processes that never outlive their parent.

Standard library only: the scripts run before anything is installed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _end_with_parent() -> None:
    """Ask Linux for a SIGTERM when the thread that started us ends, be it by SIGKILL."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def start(
    command: Sequence[str | Path],
    *,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own, without standard input; it ends when its parent's thread ends.

    :param log: file that its output is appended to; None lets it write to ours.
    :param env: the whole environment; None passes ours on.
    :param user: the name of the user to run as (only root may ask).
    :raises OSError: the program is not there or may not be run.
    """
    output = log.open("ab") if log else None
    try:
        return subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            env=None if env is None else dict(env),
            cwd=cwd,
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
    finally:
        if output:
            output.close()


def end(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM, grace: float = 10.0) -> int:
    """End a process started by ``start`` with everything in its group; return its exit code.

    It gets ``how`` first and ``grace`` seconds to finish, then its whole group is killed.
    """
    if process.poll() is None:
        process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # what it left behind; the group's number is its process id
    return process.wait()
