"""The file store on a real disk and against a server that speaks S3."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hub.domain.errors import NotFound, Refused, Unavailable
from hub.store.files import ObjectFiles, open_files
from scripts.processes import end, start
from tests import parts

CONTENT = bytes(range(256)) * 1000


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Address and process of a moto server with the bucket `files`."""
    port, log = parts.free_port(), tmp_path_factory.mktemp("s3") / "log"
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = start(command, log=log)
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.put(f"{address}/files").status_code == 200
        except httpx.TransportError:
            return False

    try:
        parts.wait_until(answers, process, log)
        yield address, process
    finally:
        end(process)


@pytest.fixture(params=["disk", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectFiles:
    if request.param == "disk":
        return open_files(f"file://{tmp_path}/some folder")
    address, _ = request.getfixturevalue("s3_server")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return open_files(f"s3://files/hub/one?endpoint={address}&region=eu-west-1")


def test_what_was_put_is_what_is_got(files: ObjectFiles) -> None:
    files.put("attachments/a", CONTENT)
    assert files.get("attachments/a") == CONTENT


def test_putting_again_replaces(files: ObjectFiles) -> None:
    files.put("attachments/b", CONTENT)
    files.put("attachments/b", b"short")
    assert files.get("attachments/b") == b"short"


def test_several_are_put_together(files: ObjectFiles) -> None:
    contents = {"attachments/d": CONTENT, "sources/d": b"raw", "sources/e": b""}
    files.put_all(contents)
    files.put_all({})
    assert {key: files.get(key) for key in contents} == contents


def test_everything_has_reached_the_disk_and_then_each_folder_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("hub.store.files._sync", synced.append)
    open_files(f"file://{tmp_path}").put_all({"attachments/a": b"a", "sources/b": b"b", "sources/c": b"c"})
    names = ("attachments/a", "sources/b", "sources/c", "attachments", "sources")
    assert synced == [tmp_path / name for name in names]


def test_what_is_not_there_is_not_found(files: ObjectFiles) -> None:
    with pytest.raises(NotFound):
        files.get("attachments/never")


def test_deleting_twice_is_no_error(files: ObjectFiles) -> None:
    files.put("attachments/c", CONTENT)
    files.delete("attachments/c")
    files.delete("attachments/c")
    with pytest.raises(NotFound):
        files.get("attachments/c")


def test_a_prefix_keeps_installations_apart(s3_server: tuple[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    one, two = (open_files(f"s3://files/{name}?endpoint={s3_server[0]}&region=eu-west-1") for name in ("x", "y"))
    one.put("attachments/a", b"one")
    with pytest.raises(NotFound):
        two.get("attachments/a")


def test_a_server_that_is_gone_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    files = open_files(f"s3://files?endpoint=http://127.0.0.1:{parts.free_port()}&region=eu-west-1")
    for call in (
        lambda: files.get("a"),
        lambda: files.put("a", b"x"),
        lambda: files.delete("a"),
        lambda: files.put_all({"a": b"x", "b": b"y"}),
    ):
        with pytest.raises(Unavailable):
            call()


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    files = open_files(f"file://{tmp_path}/files")
    (tmp_path / "files" / "attachments").write_text("a file where a folder should be")
    with pytest.raises(Unavailable):
        files.put("attachments/a", b"x")


@pytest.mark.parametrize(
    "url",
    ["", "/files", "file://host/files", "file:", "ftp://x/y", "s3://", "s3://b?zone=1", "s3://b?endpoint=ftp://x"],
)
def test_an_address_that_is_none_is_refused_by_name(url: str) -> None:
    with pytest.raises(Refused) as refused:
        open_files(url)
    assert refused.value.field == "files_url"


def test_what_was_put_has_reached_the_disk_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a power cut would leave a row that promises bytes which nobody has."""
    synced: list[int] = []
    sync = os.fsync

    def watched(file: int) -> None:
        synced.append(os.fstat(file).st_ino)
        sync(file)

    monkeypatch.setattr(os, "fsync", watched)
    open_files(f"file://{tmp_path}").put("sources/a", CONTENT)
    assert synced == [(tmp_path / "sources" / "a").stat().st_ino, (tmp_path / "sources").stat().st_ino]
