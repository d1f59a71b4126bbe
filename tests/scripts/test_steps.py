"""Steps: progress, failures that explain themselves, and what is skipped the second time."""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from scripts import bootstrap, environments
from scripts.steps import ROOT, Children, Failed, Stamp, Steps, Stopping, digest


def test_a_step_says_what_it_does_and_gives_what_it_printed(capsys: pytest.CaptureFixture[str]) -> None:
    output = Steps(Children()).run("Test step", [[sys.executable, "-c", "print('made')"]])
    assert output == "made\n"
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  …  Test step"
    assert lines[1].startswith("  ✓  Test step (")


def test_a_failed_step_shows_the_end_of_its_output() -> None:
    broken = [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"]
    with pytest.raises(Failed, match=r"(?s)Test step failed.*the reason.*\.run/log/test-step\.log"):
        Steps(Children()).run("Test step", [broken])


def test_ending_interrupts_a_step_and_lets_none_begin() -> None:
    children = Children()
    steps = Steps(children)
    stopped: list[bool] = []

    def work() -> None:
        with pytest.raises(Stopping):
            steps.run("Test step", [["sleep", "600"]])
        stopped.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    while not children.running():
        assert thread.is_alive()
    children.end_all()
    thread.join(60)
    assert stopped
    with pytest.raises(Stopping):
        steps.run("Test step", [["true"]])


def test_a_stamp_holds_only_for_the_same_inputs_and_while_the_thing_is_there(tmp_path: Path) -> None:
    made = tmp_path / "made"
    stamp = Stamp(tmp_path / "stamps" / "thing", digest("one"), made)
    assert not stamp.holds()
    made.touch()
    stamp.set()
    assert stamp.holds()
    assert not Stamp(stamp.path, digest("two"), made).holds()
    made.unlink()
    assert not stamp.holds()


def test_a_digest_sees_a_changed_file_but_not_what_was_built() -> None:
    folder = ROOT / ".run" / "test-digest"
    (folder / "dist").mkdir(parents=True, exist_ok=True)
    (folder / "source").write_text("one")
    before = digest(folder)
    (folder / "dist" / "built").write_text(os.urandom(4).hex())
    assert digest(folder) == before
    (folder / "source").write_text("two")
    assert digest(folder) != before


def test_a_version_managers_shim_that_refuses_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, code in (("shims", 127), ("real", 0)):
        program = tmp_path / folder / "python3.10"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\nexit {code}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/shims:{tmp_path}/real")
    assert environments.find_python_310() == tmp_path / "real" / "python3.10"


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Failed, match=f"Port {port} .*make run CENTRALITA_PORT={port + 1}"):
            bootstrap.refuse_taken_port("127.0.0.1", port)
