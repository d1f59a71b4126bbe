"""An article's HTML: made clean, read as plain text, made of plain text.

What is stored went through nh3 with the list below and nothing else: headings, lists, tables, links, pictures of ours.
No style, no script, nothing that loads from elsewhere. The same text is shown to customers and searched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

import lxml.html
import nh3
from lxml import etree

from hub.domain.errors import Refused

HTML_LIMIT = 400_000  # characters; four times the longest text
IMAGES = "/help/images/"
_IMAGE = re.compile(rf"{re.escape(IMAGES)}([A-Za-z0-9_-]{{1,64}})")
_TAGS = {
    *("a", "blockquote", "br", "code", "em", "h2", "h3", "h4", "hr", "img", "li", "ol", "p", "pre", "s", "strong"),
    *("sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "u", "ul"),
}
# What other programs write, as we do. A page's own heading is the title: those of the text begin below it.
_RENAMED = {"h1": "h2", "h5": "h4", "h6": "h4", "b": "strong", "i": "em", "del": "s", "strike": "s", "div": "p"}
_DROPPED = {"script", "style", "template", "iframe", "object", "svg", "math", "noscript", "title", "textarea", "select"}
_BLOCKS = frozenset(
    {"p", "h2", "h3", "h4", "li", "ul", "ol", "pre", "blockquote", "table", "tr", "hr", "br", "thead", "tbody"}
)
_BLANKS = re.compile(rf" ?(</?(?:{'|'.join(sorted(_BLOCKS | {'td', 'th'}))})(?: [^>]*)?>) ?")
# Tiptap has a paragraph in each item of a list, Markdown none.
_ITEM = re.compile(r"(?<=<li>)<p>|</p>(?=</li>)")
_SCHEMES = {"http", "https", "mailto", "tel"}


@dataclass(frozen=True, slots=True)
class ArticleText:
    """`html` is clean, `text` the same in plain words, `image_ids` the pictures that it shows, in their order."""

    html: str
    text: str
    image_ids: tuple[str, ...] = ()


def clean(html: str) -> ArticleText:
    """HTML from an editor or another program, made safe.

    Raises:
        Refused: there is too much of it, or nothing to read in it.
    """
    if len(html) > HTML_LIMIT:
        raise Refused("html", f"must have at most {HTML_LIMIT} characters")
    tree = lxml.html.fragment_fromstring(_without_controls(html), create_parent="div") if html.strip() else None
    if tree is None:
        raise Refused("html", "must hold text")
    for element in tree.iter(etree.Element):
        if element is not tree:
            element.tag = _RENAMED.get(element.tag, element.tag)
    _unwrap(tree)
    safe = nh3.clean(
        lxml.html.tostring(tree, encoding="unicode"),
        tags=_TAGS,
        clean_content_tags=_DROPPED,
        attributes={
            "a": {"href"},
            "img": {"src", "alt"},
            "td": {"colspan", "rowspan"},
            "th": {"colspan", "rowspan"},
            "ol": {"start"},
        },
        attribute_filter=_attribute,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
    ).strip()
    page = lxml.html.fragment_fromstring(safe or "<p></p>", create_parent="div")
    for picture in list(page.iter("img")):
        if _IMAGE.fullmatch(picture.get("src", "")) is None:
            picture.tail = picture.get("alt", "") + (picture.tail or "")
            picture.drop_tree()
    images = tuple(dict.fromkeys(_IMAGE.fullmatch(each.get("src"))[1] for each in page.iter("img")))  # type: ignore[index]
    text = _words(page)
    if not text:
        raise Refused("html", "must hold text")
    return ArticleText(_inner(page), text, images)


def from_text(text: str) -> str:
    """Plain text as HTML: blank lines part paragraphs, lines stay lines."""
    parts = [part.strip() for part in re.split(r"\n\s*\n", text.strip())]
    return "".join(f"<p>{escape(part, quote=False).replace(chr(10), '<br>')}</p>" for part in parts if part)


def layout(html: str) -> str:
    """Cleaned HTML without the blanks that no reader sees, which programs write as they like: for comparing."""
    return html if "<pre" in html else _ITEM.sub("", _BLANKS.sub(r"\1", re.sub(r"\s+", " ", html))).strip()


def images_in(html: str) -> tuple[str, ...]:
    """The pictures that a stored HTML shows."""
    return tuple(dict.fromkeys(_IMAGE.findall(html)))


def _without_controls(html: str) -> str:
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "", html)


def _unwrap(tree: lxml.html.HtmlElement) -> None:
    """No paragraph within a paragraph or cell, as a browser would split it: those that were `div` are left out."""
    for element in list(tree.iter("p")):
        if any(isinstance(child.tag, str) and child.tag in _BLOCKS - {"br"} for child in element):
            element.drop_tag()


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if _IMAGE.fullmatch(value) else None
    return value


def _inner(page: lxml.html.HtmlElement) -> str:
    inside = "".join(lxml.html.tostring(child, encoding="unicode") for child in page)
    return (escape(page.text, quote=False) if page.text else "") + inside


def _words(page: lxml.html.HtmlElement) -> str:
    """Blocks on lines of their own, paragraphs apart, list items with their sign."""
    out: list[str] = []

    def walk(element: lxml.html.HtmlElement, kept: bool) -> None:
        tag = element.tag
        if tag == "br":
            out.append("\n")
        elif tag == "li":
            parent = element.getparent()
            sign = f"{parent.index(element) + int(parent.get('start') or 1)}." if parent.tag == "ol" else "-"
            out.append(f"\n{sign} ")
        elif tag in ("td", "th"):
            out.append(" ")
        elif tag == "img":
            out.append(element.get("alt", ""))
        elif tag in _BLOCKS and not (tag == "p" and element.getparent().tag == "li"):
            out.append("\n" if tag in ("tr", "ul", "ol") else "\n\n")
        out.append(_line(element.text, kept or tag == "pre"))
        for child in element:
            walk(child, kept or tag == "pre")
            out.append(_line(child.tail, kept or tag == "pre"))
        if tag in ("p", "h2", "h3", "h4", "pre", "blockquote", "table") and element.getparent().tag != "li":
            out.append("\n\n")

    walk(page, False)
    lines = [line.strip() for line in "".join(out).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _line(text: str | None, kept: bool) -> str:
    return (text or "") if kept else re.sub(r"\s+", " ", text or "")
