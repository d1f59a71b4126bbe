"""Starting and ending the bot's programs, with cheap programs in Rasa's place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bot.server import PROJECT, BotServerError, RasaServer, Supervisor, find_environment, fingerprint, tail, train

SLEEP = "import time; time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"


def program(code: str, folder: Path, *, restart: bool = True) -> dict[str, object]:
    return {
        "command": [sys.executable, "-c", code],
        "folder": str(folder),
        "environment": {"MARK": "yes"},
        "log": str(folder / "program.log"),
        "restart": restart,
    }


def pids(folder: Path) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads((folder / "pids.json").read_text())
    except FileNotFoundError:
        return {}
    return found


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def eventually(condition: Callable[[], object], seconds: float = 60) -> None:
    pause = threading.Event()
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "did not come true"
        pause.wait(0.05)


def test_programs_run_until_stopped(tmp_path: Path) -> None:
    supervisor = Supervisor({"a": program(SLEEP, tmp_path), "b": program(SLEEP, tmp_path)}, runtime=tmp_path)
    eventually(lambda: pids(tmp_path).keys() == {"a", "b", "supervisor"})
    running = pids(tmp_path)
    assert supervisor.poll() is None
    supervisor.stop()
    assert not any(alive(pid) for pid in running.values())


def test_a_program_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    supervisor = Supervisor({"a": program(DEAF, tmp_path)}, runtime=tmp_path)
    eventually(lambda: tail(tmp_path / "program.log") == "deaf")
    pid = pids(tmp_path)["a"]
    supervisor.stop()
    assert not alive(pid)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_program_outlives_its_starter(tmp_path: Path, end: signal.Signals) -> None:
    """Started from a thread that has ended, as `make run` does: the kernel's own tie would be to that thread."""
    code = f"""
        import json, sys, threading
        from pathlib import Path
        from bot.server import Supervisor
        folder = Path({str(tmp_path)!r})
        program = json.loads(sys.argv[1])
        thread = threading.Thread(target=lambda: setattr(sys, "kept", Supervisor({{"a": program}}, runtime=folder)))
        thread.start()
        thread.join()
        threading.Event().wait()
    """
    starter = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), json.dumps(program(SLEEP, tmp_path))],
        cwd=PROJECT.parents[1],
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: "a" in pids(tmp_path))
    running = pids(tmp_path)
    assert all(alive(pid) for pid in running.values())
    starter.send_signal(end)
    starter.wait(60)
    eventually(lambda: not any(alive(pid) for pid in running.values()))


def test_no_program_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    supervisor = Supervisor({"a": program(SLEEP, tmp_path)}, runtime=tmp_path)
    eventually(lambda: "a" in pids(tmp_path))
    running = pids(tmp_path)
    os.kill(running["supervisor"], signal.SIGKILL)
    eventually(lambda: not alive(running["a"]))
    supervisor.stop()


def test_a_program_that_died_comes_back(tmp_path: Path) -> None:
    supervisor = Supervisor({"a": program(SLEEP, tmp_path)}, runtime=tmp_path)
    eventually(lambda: "a" in pids(tmp_path))
    first = pids(tmp_path)["a"]
    os.kill(first, signal.SIGKILL)
    eventually(lambda: pids(tmp_path)["a"] != first)
    assert alive(pids(tmp_path)["a"])
    supervisor.stop()


def test_a_program_that_cannot_start_is_given_up(tmp_path: Path) -> None:
    supervisor = Supervisor({"a": program("print('broken'); raise SystemExit(3)", tmp_path)}, runtime=tmp_path)
    assert supervisor.wait() == 3
    assert (tmp_path / "program.log").read_text() == "broken\n" * 3


def test_a_program_without_restart_gives_its_exit_code(tmp_path: Path) -> None:
    code = "import os; raise SystemExit(7 if os.environ['MARK'] == 'yes' else 1)"
    assert Supervisor({"a": program(code, tmp_path, restart=False)}, runtime=tmp_path).wait() == 7


def test_files_of_ours_are_not_kept_open_by_the_programs(tmp_path: Path) -> None:
    """A lock held by whoever starts the bot must not stay held by it."""
    with (tmp_path / "lock").open("w") as lock:
        supervisor = Supervisor({"a": program(SLEEP, tmp_path)}, runtime=tmp_path)
        eventually(lambda: "a" in pids(tmp_path))
        for pid in pids(tmp_path).values():
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(FileNotFoundError):  # closed since: the program is still starting
                    assert str(link.readlink()) != lock.name
        supervisor.stop()


def test_the_environment_is_found_when_whole(tmp_path: Path) -> None:
    assert find_environment(tmp_path, {}) is None
    (tmp_path / ".venv-rasa" / "bin").mkdir(parents=True)
    (tmp_path / ".venv-rasa" / "bin" / "python").touch()
    assert find_environment(tmp_path, {}) is None  # its making has not come to its end
    (tmp_path / ".venv-rasa" / "bin" / "rasa").touch()
    assert find_environment(tmp_path, {}) == tmp_path / ".venv-rasa" / "bin" / "python"
    assert find_environment(tmp_path, {"CENTRALITA_RASA_ENV": str(tmp_path / "other")}) is None


def test_the_fingerprint_follows_what_goes_into_the_model(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for path in [*PROJECT.glob("*.yml"), *PROJECT.glob("*.py"), *PROJECT.glob("data/**/*.yml")]:
        copy = project / path.relative_to(PROJECT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    before = fingerprint(project)
    assert before == fingerprint(PROJECT)
    assert before != fingerprint(project, "config-diet.yml")
    (project / "actions.py").write_text("# read when the action server starts\n")
    assert fingerprint(project) == before
    (project / "intent_model.py").write_text("# what a model is trained with\n")
    assert fingerprint(project) != before
    (project / "data" / "nlu" / "en.yml").write_text("changed")
    assert fingerprint(project) != before


def test_a_model_that_is_there_is_not_trained_again(tmp_path: Path) -> None:
    model = tmp_path / f"config-{fingerprint()}.tar.gz"
    model.write_bytes(b"a model")
    assert train(Path("/nowhere/python"), models=tmp_path, log=tmp_path / "log") == model


def test_training_that_fails_says_why_and_leaves_no_model(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no such intent\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(BotServerError, match="no such intent"):
        train(python, models=tmp_path / "models", log=tmp_path / "log")
    assert list((tmp_path / "models").glob("*.tar.gz")) == []


def test_a_server_that_gives_up_is_told_with_its_log(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho cannot load the model\nexit 1\n")
    python.chmod(0o755)
    server = RasaServer(
        python=python, model=tmp_path / "model", runtime=tmp_path / "run", hub_url="http://127.0.0.1:1", hub_token="t"
    )
    assert not server.ready()
    server.start()
    with pytest.raises(BotServerError, match="cannot load the model"):
        server.wait_ready(60)
    server.stop()
    server.stop()
