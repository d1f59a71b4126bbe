"""Attachment bytes: a folder or an S3-compatible bucket, as the settings say.

Addresses: `file:///path/to/folder`, or `s3://bucket/prefix?endpoint=https://host&region=name`. A bucket's credentials,
and whatever the address leaves out, come from the `AWS_…` variables that all S3 clients read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from hub.domain.errors import NotFound, Refused, Unavailable

_S3_OPTIONS = frozenset({"endpoint", "region"})
_FIELD = "files_url"
_AT_ONCE = 8


class ObjectFiles:
    """A `FileStore` over obstore. A write is whole or not there: nobody reads half a file.

    `folder` is where a local store keeps its files: what is put there has reached the disk when `put` returns, as the
    row that promises it will have, whatever happens to the power.
    """

    def __init__(self, store: LocalStore | S3Store, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    def put(self, key: str, content: bytes) -> None:
        """Raises Unavailable when the store does not take it."""
        self.put_all({key: content})

    def put_all(self, contents: Mapping[str, bytes]) -> None:
        """Puts several, with one wait for the names of all. Raises Unavailable when the store does not take one; others
        may be there then."""
        try:
            if self._folder is None and len(contents) > 1:
                with ThreadPoolExecutor(_AT_ONCE) as network:  # a bucket is a network away
                    list(network.map(partial(obstore.put, self._store), contents, contents.values()))
            else:
                for key, content in contents.items():
                    obstore.put(self._store, key, content)
            if self._folder is not None:
                paths = [self._folder / key for key in contents]
                for each in (*paths, *dict.fromkeys(path.parent for path in paths)):  # the bytes, then what leads there
                    _sync(each)
        except (BaseError, OSError) as error:
            raise Unavailable("the file store does not answer") from error

    def get(self, key: str) -> bytes:
        """Raises NotFound, or Unavailable when the store does not answer."""
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except FileNotFoundError as error:
            raise NotFound("there is no such file") from error
        except (BaseError, OSError) as error:
            raise Unavailable("the file store does not answer") from error

    def delete(self, key: str) -> None:
        """Raises Unavailable when the store does not answer. What is not there counts as deleted."""
        try:
            obstore.delete(self._store, key)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise Unavailable("the file store does not answer") from error


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def open_files(url: str) -> ObjectFiles:
    """The file store at an address. Raises Refused, naming the rule, for an address that is none."""
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        folder = Path(unquote(parts.path))
        folder.mkdir(parents=True, exist_ok=True)
        return ObjectFiles(LocalStore(folder), folder)
    if parts.scheme == "s3" and parts.netloc:
        return ObjectFiles(_bucket(parts.netloc, parts.path.strip("/"), dict(parse_qsl(parts.query))))
    raise Refused(_FIELD, "must be file:///folder or s3://bucket/prefix?endpoint=https://host&region=name")


def _bucket(name: str, prefix: str, options: dict[str, str]) -> S3Store:
    for unknown in options.keys() - _S3_OPTIONS:
        raise Refused(_FIELD, f"has the option {unknown}; known are {', '.join(sorted(_S3_OPTIONS))}")
    endpoint = options.get("endpoint", "")
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise Refused(_FIELD, "must give the endpoint as http://… or https://…")
    given: dict[str, Any] = {key: value for key, value in options.items() if value}
    return S3Store(
        name,
        prefix=prefix or None,
        client_options={"allow_http": endpoint.startswith("http://"), "timeout": "20s", "connect_timeout": "3s"},
        # A customer waits for the upload: rather a clear refusal soon than a success in three minutes.
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
        **given,
    )
