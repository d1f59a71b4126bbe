"""A mail as it was sent, as a page of its own in a frame of the console.

Its HTML is safe already (`channels/email/html.py`); here it gets its pictures and says where its links lead. The page
may run nothing, has no origin, and loads nothing from elsewhere unless whoever reads it has asked for the pictures.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any

import lxml.html
from lxml import etree

from hub.web.files import SHOWN

# Pictures of the mail stand in the page itself, which has no origin to load them from; what is over this is left out.
PICTURES_LIMIT = 15 * 1024 * 1024  # bytes
_STYLE = (
    "html{color-scheme:light;background:#fff;color:#1a2225;font:15px/1.5 system-ui,sans-serif}"
    "body{margin:16px;overflow-wrap:anywhere}img{max-width:100%;height:auto}table{max-width:100%}"
    "a{color:#0f6e64}.real-host{margin:0 .3em;padding:0 .4em;border-radius:4px;background:#fdeceb;color:#b3261e;"
    "font-size:13px;white-space:nowrap}.held-back{display:inline-block;padding:0 .5em;border:1px dashed #8b979e;"
    "border-radius:4px;color:#55616a;font-size:13px}"
)


def policy(*, images: bool) -> str:
    """The page's Content-Security-Policy. `images`: pictures from elsewhere may be loaded, encrypted."""
    return (
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
        f"img-src data:{' https:' if images else ''}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )


def page(html: str, files: Sequence[dict[str, Any]], read: Callable[[str], bytes], *, images: bool) -> str:
    """The whole page.

    Args:
        html: the mail's, cleaned, as it is stored.
        files: the mail's, in their order, as they stand in the message's extras.
        read: gives a file's bytes by its id.
        images: whether pictures from elsewhere are shown; those that only track are never.
    """
    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
    tree = lxml.html.document_fromstring(f"<body>{html}</body>".encode(), parser=parser)
    room = PICTURES_LIMIT
    for element in list(tree.body.iter(etree.Element)):
        if element.tag == "img":
            room -= _picture(element, files, read, room, images=images)
        elif element.tag == "a" and element.get("href"):
            _link(element)
    body = lxml.html.tostring(tree.body, encoding="unicode")
    head = f'<meta charset="utf-8"><meta name="referrer" content="no-referrer"><style>{_STYLE}</style>'
    return f"<!doctype html><html><head>{head}</head>{body}</html>"


def _picture(
    image: Any, files: Sequence[dict[str, Any]], read: Callable[[str], bytes], room: int, *, images: bool
) -> int:
    """Gives a picture its address or says what it would show; returns how many bytes it took."""
    remote = image.get("data-remote-src", "")
    index = image.get("data-attachment", "")
    file = files[int(index)] if index.isdigit() and int(index) < len(files) else None
    if file is not None and file["media_type"] in SHOWN and file["size"] <= room:
        image.set("src", f"data:{file['media_type']};base64,{b64encode(read(file['id'])).decode()}")
        return int(file["size"])
    if remote and images and "data-tracking" not in image.attrib:
        image.set("src", re.sub(r"^http:", "https:", remote, flags=re.IGNORECASE))
        return 0
    words = image.get("alt", "").strip() or (file["name"] if file else "")
    if words and "data-tracking" not in image.attrib:
        shown = etree.SubElement(image.getparent(), "span", {"class": "held-back"})
        shown.text = words
        image.addprevious(shown)
    image.drop_tree()
    return 0


def _link(link: Any) -> None:
    """Opens elsewhere; where its text names another host than it leads to, the real one stands beside it."""
    link.set("target", "_blank")
    link.set("rel", "noopener noreferrer nofollow")
    link.set("title", link.get("href"))
    real = link.get("data-real-host", "")
    if real:
        shown = etree.Element("span", {"class": "real-host"})
        shown.text = f"⚠ {real}"
        link.addnext(shown)
        shown.tail, link.tail = link.tail, None
