"""The program: `centralita COMMAND`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from hub import logs, processes
from hub.domain.errors import HubError
from hub.settings import from_environment


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Returns the process's exit code."""
    logs.begin()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given == ["serve"]:
            # The process above the one that serves runs nothing else, so it does not load what other commands need.
            processes.serve(from_environment(os.environ))
            return 0
        code: int = import_module("hub.command_line").run(given)
    except HubError as error:
        print(f"centralita: {error}", file=sys.stderr)
        return 2
    return code


if __name__ == "__main__":
    # A command ends quietly when nobody reads its output.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
