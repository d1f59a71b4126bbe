"""Files of the built apps, compressed for whoever takes that."""

from __future__ import annotations

import gzip
from functools import lru_cache
from hashlib import sha256
from mimetypes import guess_type
from pathlib import Path
from stat import S_ISREG

from flask import Response, request
from werkzeug.security import safe_join

from hub.domain.errors import NotFound

FOR_EVER = 365 * 24 * 3600


def send(folder: Path, path: str, age: int) -> Response:
    """One file as the answer to this request.

    Args:
        folder: what is under it is for everybody, and nothing else.
        path: below the folder, as asked for.
        age: for how many seconds it may be kept unasked; 0: to be asked for anew each time. `FOR_EVER` is for names
            that carry a hash of their content: what has such a name never changes.

    Raises:
        NotFound: there is no such file in the folder.
    """
    found = safe_join(str(folder), path)
    try:
        status = Path(found or "").stat()
    except (OSError, ValueError) as error:  # nothing there, or no name that a file can have
        raise NotFound("there is no such file") from error
    if found is None or not S_ISREG(status.st_mode):
        raise NotFound("there is no such file")
    content, compressed, tag = _read(found, status.st_mtime_ns)
    small = request.accept_encodings.quality("gzip") > 0 and len(compressed) < len(content)
    response = Response(compressed if small else content, mimetype=guess_type(found)[0] or "application/octet-stream")
    if small:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.set_etag(f"{tag}-gzip" if small else tag)
    if age:
        response.cache_control.public, response.cache_control.max_age = True, age
        if age == FOR_EVER:
            response.cache_control.immutable = True
    else:
        response.cache_control.no_cache = True
    response.make_conditional(request)
    return response


# Both apps are some sixty files of 1 MB together; the rest is room for a build that comes while the hub runs.
@lru_cache(maxsize=128)
def _read(path: str, changed: int) -> tuple[bytes, bytes, str]:  # noqa: ARG001  # a changed file is another one
    """(content, the same compressed, what tells it from another content)."""
    content = Path(path).read_bytes()
    return content, gzip.compress(content, 9, mtime=0), sha256(content).hexdigest()[:16]
