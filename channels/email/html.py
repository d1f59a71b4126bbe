"""HTML of mails: made safe to show, and read as lines of text of which each knows whether it quotes.

The tree is changed with lxml (which reads anything) and the result goes through nh3 last, so that what reaches a screen
is what the sanitizer let through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from itertools import islice
from urllib.parse import urlsplit

import lxml.html
import nh3
from lxml import etree

HTML_LIMIT = 4_000_000  # characters that are cleaned; a longer page is cut, with a note
LINES_LIMIT = 2_000_000  # characters that are read as lines
_ENTITIES_LIMIT = 100_000  # nh3's time grows with the square of the entities in one text: half a second for these

_TAGS = {
    *("a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center"),
    *(
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "del",
        "details",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
    ),
    *("font", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "i", "img", "ins", "kbd", "li", "main"),
    *("mark", "ol", "p", "pre", "q", "s", "samp", "section", "small", "span", "strike", "strong", "sub", "summary"),
    *("sup", "table", "tbody", "td", "tfoot", "th", "thead", "time", "tr", "tt", "u", "ul", "var"),
}
_DROPPED = {"script", "style", "title", "template", "noembed", "noframes", "iframe", "object", "svg", "math", "head"}
_ATTRIBUTES = {
    "*": {"align", "dir", "lang", "style", "title", "valign"},
    "a": {"href", "data-shown-host", "data-real-host"},
    "blockquote": {"type"},
    "col": {"span", "width"},
    "font": {"color", "face", "size"},
    "img": {"alt", "height", "width", "data-remote-src", "data-attachment", "data-tracking", "data-missing"},
    "li": {"value"},
    "ol": {"start", "type"},
    "table": {"bgcolor", "border", "cellpadding", "cellspacing", "width"},
    "td": {"bgcolor", "colspan", "height", "rowspan", "width"},
    "th": {"bgcolor", "colspan", "height", "rowspan", "width"},
    "tr": {"bgcolor"},
}
# No position (would lie over the console), no display and visibility (would hide what the customer's text says).
_STYLES = {
    *("background-color", "border", "border-bottom", "border-collapse", "border-color", "border-left", "border-right"),
    *("border-spacing", "border-style", "border-top", "border-width", "color", "direction", "font-family", "font-size"),
    *("font-style", "font-variant", "font-weight", "line-height", "list-style-type", "padding", "padding-bottom"),
    *("padding-left", "padding-right", "padding-top", "text-align", "text-decoration", "text-indent"),
    *("text-transform", "vertical-align", "white-space", "width", "max-width", "word-break"),
}
# Whatever fetches or runs within a style; CSS escapes could spell any of them.
_STYLE_FETCHES = re.compile(r"url\s*\(|image\s*\(|image-set|expression|@import|behavior|-moz-binding|\\", re.IGNORECASE)
_HOST_IN_TEXT = re.compile(
    r"^\s*(?:https?://)?(?:[^\s/@]+@)?((?:[\w-]{1,63}\.){1,8}[a-z\u00a1-\uffff][\w-]{1,62})(?::\d+)?(?:[/?#]\S*)?\s*$",
    re.IGNORECASE,
)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ODD_PREFIXES = ("www.", "www2.", "m.")


@dataclass(frozen=True, slots=True)
class CleanHtml:
    """HTML that is safe to show.

    Images from elsewhere have their address in `data-remote-src` and none in `src`; `data-tracking` marks those of one
    or two pixels, which need never be loaded. Images of the mail carry the index of their attachment in
    `data-attachment` (`data-missing` where there is none). A link whose text names another host than it leads to has
    both in `data-shown-host` and `data-real-host`. Counts are of such elements.
    """

    html: str
    remote_images: int = 0
    misleading_links: int = 0
    notes: tuple[str, ...] = ()


def parse(html: str) -> lxml.html.HtmlElement | None:
    """The tree of a page or fragment; None when there is nothing in it."""
    html = _ILLEGAL.sub("", html)
    if not html.strip():
        return None
    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        tree = lxml.html.document_fromstring(html.encode("utf-8"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return None
    if any("depth" in entry.message for entry in parser.error_log.filter_from_fatals()):
        # The parser gives up some 2,000 levels down and drops what follows: the bare text is better than that.
        page = lxml.html.document_fromstring("<body></body>")
        etree.SubElement(page.body, "pre").text = unescape(re.sub(r"<[^<>]*>", " ", html))
        return page
    return tree


def clean_html(html: str, content_ids: Mapping[str, int]) -> CleanHtml:
    """A mail's HTML made safe to show.

    Args:
        html: the page as it came.
        content_ids: Content-ID, and Content-Location where a part has one, → index of the attachment.
    """
    notes: list[str] = []
    if len(html) > HTML_LIMIT:
        html = html[:HTML_LIMIT]
        notes.append(f"HTML is cut after {HTML_LIMIT} characters")
    tree = parse(html)
    if tree is None:
        return CleanHtml("", notes=tuple(notes))
    remote = misleading = 0
    for element in tree.iter(etree.Element):
        attributes = element.attrib
        for name in list(attributes):
            if str(name).startswith("data-"):  # ours alone: a sender must not set them
                del attributes[name]
        style = attributes.get("style")
        if style is not None and _STYLE_FETCHES.search(style):
            kept = [part for part in style.split(";") if not _STYLE_FETCHES.search(part)]
            attributes["style"] = ";".join(kept)
        if element.tag == "img":
            remote += _hold_back(attributes, content_ids)
        elif element.tag == "a":
            misleading += _tell_the_truth(element)
    text = lxml.html.tostring(tree, encoding="unicode")
    if text.count("&") > _ENTITIES_LIMIT:
        text = "&".join(text.split("&", _ENTITIES_LIMIT)[:_ENTITIES_LIMIT])
        notes.append(f"HTML is cut after {_ENTITIES_LIMIT} entities")
    return CleanHtml(
        html=nh3.clean(
            text,
            tags=_TAGS,
            clean_content_tags=_DROPPED,
            attributes=_ATTRIBUTES,
            filter_style_properties=_STYLES,
            url_schemes={"http", "https", "mailto", "tel"},
            link_rel="noopener noreferrer nofollow",
        ),
        remote_images=remote,
        misleading_links=misleading,
        notes=tuple(notes),
    )


def _hold_back(attributes: etree._Attrib, content_ids: Mapping[str, int]) -> int:
    """Moves an image's address where the browser does not look; 1 when the image is somewhere else."""
    source = re.sub(r"\s+", "", attributes.pop("src", ""))
    for name in ("srcset", "lowsrc", "dynsrc", "longdesc", "usemap", "background"):
        attributes.pop(name, None)
    index = content_ids.get(source[4:].strip("<>")) if source.lower().startswith("cid:") else content_ids.get(source)
    if index is not None:
        attributes["data-attachment"] = str(index)
        return 0
    if not source.lower().startswith(("http://", "https://", "//")):
        attributes["data-missing"] = "1"  # cid: without a part, file:, data: (kept in the raw source)
        return 0
    attributes["data-remote-src"] = f"https:{source}" if source.startswith("//") else source
    sides = [re.match(r"\d+", attributes.get(side, "").strip()) for side in ("width", "height")]
    if any(side is not None and int(side.group()[:6]) <= 2 for side in sides):
        attributes["data-tracking"] = "1"
    return 1


def _tell_the_truth(element: etree._Element) -> int:
    """Marks a link whose text is the address of another host; 1 when it is one."""
    attributes = element.attrib
    target = re.sub(r"[\s\x00-\x1f]+", "", attributes.get("href", ""))
    if not re.match(r"(?:https?:|mailto:|tel:)", target, re.IGNORECASE):
        attributes.pop("href", None)  # relative, javascript:, file:, data:: they lead nowhere from a console
        return 0
    attributes["href"] = target
    text = "".join(element.itertext())[:300]
    shown_match = _HOST_IN_TEXT.match(text)
    if shown_match is None or target.lower().startswith(("mailto:", "tel:")):
        return 0
    try:
        real = urlsplit(target).hostname or ""
        shown = shown_match.group(1).lower().encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        real, shown = "", shown_match.group(1).lower()
    if _plain_host(shown) == _plain_host(real) or real.endswith(f".{_plain_host(shown)}"):
        return 0
    attributes["data-shown-host"] = shown
    attributes["data-real-host"] = real
    return 1


def _plain_host(host: str) -> str:
    for prefix in _ODD_PREFIXES:
        host = host.removeprefix(prefix)
    return host.rstrip(".")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a body. `mark` is `quote` or `signature` where the HTML itself says so, and `rule` by what."""

    text: str
    mark: str = ""
    rule: str = ""


# Blocks that a client wraps around what it quotes: (attribute, value) → the rule's name. Collected from mails of these
# clients and from the tests of talon, unquotemail and crisp's email-reply-parser, which know most of them.
_QUOTE_BLOCKS = {
    ("class", "gmail_attr"): "gmail_attr",
    ("class", "moz-cite-prefix"): "moz-cite-prefix",
    ("class", "moz-forward-container"): "moz-forward-container",
    ("class", "yahoo_quoted"): "yahoo_quoted",
    ("class", "yahoo-quoted-begin"): "yahoo_quoted",
    ("class", "protonmail_quote"): "protonmail_quote",
    ("class", "tutanota_quote"): "tutanota_quote",
    ("class", "zmail_extra"): "zmail_extra",
    ("class", "zmail_extra_hr"): "zmail_extra",
    ("class", "front-blockquote"): "front-blockquote",
    ("class", "missive_quote"): "missive_quote",
    ("class", "freshdesk_quote"): "freshdesk_quote",
    ("class", "fernand_quote"): "fernand_quote",
    ("class", "outreach-quote"): "outreach-quote",
    ("class", "hs_reply"): "hs_reply",
    ("class", "quotedReply"): "quotedReply",
    ("class", "notion-mail-quote"): "notion-mail-quote",
    ("class", "aolReplacedBody"): "aolReplacedBody",
    ("class", "history_container"): "history_container",
    ("class", "WM_FORWARD_QUOTE"): "forward quote",
    ("id", "isReplyContent"): "isReplyContent",
    ("id", "OLK_SRC_BODY_SECTION"): "OLK_SRC_BODY_SECTION",
    ("id", "mail-editor-reference-message-container"): "mail-editor-reference-message-container",
    ("id", "reply-intro"): "reply-intro",
    ("id", "replySplit"): "replySplit",
    ("name", "quote"): "name=quote",  # GMX and web.de
    ("name", "messageReplySection"): "messageReplySection",
}
# Elements after which nothing but the quoted mail follows.
_QUOTE_STARTS = {
    "divRplyFwdMsg": "divRplyFwdMsg",
    "appendonsend": "appendonsend",
    "stopSpelling": "stopSpelling",
    "zwchr": "zwchr",
    "x_divRplyFwdMsg": "divRplyFwdMsg",
}
_SIGNATURE_BLOCKS = {
    ("class", "gmail_signature"): "gmail_signature",
    ("class", "gmail_signature_prefix"): "gmail_signature",
    ("class", "moz-signature"): "moz-signature",
    ("class", "protonmail_signature_block"): "protonmail_signature_block",
    ("class", "front-signature"): "front-signature",
    ("class", "hs_signature"): "hs_signature",
    ("id", "Signature"): "Signature",
    ("id", "ms-outlook-mobile-signature"): "ms-outlook-mobile-signature",
    ("id", "ymail_android_signature"): "ymail_android_signature",
    ("id", "composer_signature"): "composer_signature",
    ("id", "AppleMailSignature"): "AppleMailSignature",
    ("name", "messageSignatureSection"): "messageSignatureSection",
}
# Outlook for Windows draws a line above the header block of the mail that it quotes.
_OUTLOOK_BORDER = re.compile(
    r"border:\s*none;\s*border-top:\s*solid\s+#?\w+\s+1(?:\.0)?pt|border-top-color:\s*rgb\(229, ?229, ?229\)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"\s*[*_]*[^\s:：][^:：\n]{0,40}[:：]")
_BLOCKS = frozenset(
    (
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "thead",
        "tr",
        "ul",
    )
)
_SILENT = frozenset(("head", "script", "style", "template", "title", "noframes", "noembed"))
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
RULER = "_" * 32


def lines_of(html: str) -> tuple[Line, ...]:
    """A page as lines of text; `blockquote` gives `> ` at the line's start, `hr` a row of underscores."""
    tree = parse(html[:LINES_LIMIT])
    if tree is None:
        return ()
    reader = _Reader()
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        if event == "start":
            reader.start(element)
        else:
            reader.end(element)
    reader.finish()
    return tuple(reader.lines)


class _Reader:
    """Collects lines while the tree is walked. A plain walk with a stack: pages nest deeper than Python recurses."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._words: list[str] = []
        self._silent = 0
        self._quoting = 0  # depth of plain blockquotes
        self._marks: list[tuple[etree._Element, str, str]] = []
        self._rest_rule = ""
        self._preformatted = 0
        self._hidden: list[etree._Element] = []
        self._looks = 200  # how often the inside of an element is looked at: each look costs as much as its inside

    def start(self, element: etree._Element) -> None:
        tag = element.tag if isinstance(element.tag, str) else ""
        if tag in _SILENT or _HIDDEN.search(element.get("style", "")):
            self._silent += 1
            self._hidden.append(element)
            return
        if tag in _BLOCKS:
            self._break()
        mark, rule = self._mark_of(element, tag)
        if mark == "start":
            self._rest_rule = self._rest_rule or rule
        elif mark:
            self._break()
            self._marks.append((element, mark, rule))
        if tag == "blockquote" and not mark:
            self._quoting += 1
        if tag == "p" and self.lines and self.lines[-1].text and "MsoNormal" not in element.get("class", ""):
            self._push("")
        elif tag == "br":
            self._break(always=True)
        elif tag == "hr":
            self._push(RULER)
        elif tag == "li":
            self._words.append("- ")
        elif tag in ("td", "th"):
            self._words.append(" ")
        if tag == "pre":
            self._preformatted += 1
        self._text(element.text)

    def end(self, element: etree._Element) -> None:
        tag = element.tag if isinstance(element.tag, str) else ""
        if self._hidden and self._hidden[-1] is element:
            self._hidden.pop()
            self._silent -= 1
        else:
            if tag in _BLOCKS:
                self._break()
            if self._marks and self._marks[-1][0] is element:
                self._break()
                self._marks.pop()
            elif tag == "blockquote":
                self._quoting = max(0, self._quoting - 1)
            if tag == "p" and "MsoNormal" not in element.get("class", ""):
                self._push("")
            if tag == "pre":
                self._preformatted -= 1
        self._text(element.tail)

    def finish(self) -> None:
        self._break()

    def _text(self, text: str | None) -> None:
        if not text or self._silent:
            return
        if not self._preformatted:
            self._words.append(text)
            return
        first, *others = text.replace("\r\n", "\n").split("\n")
        self._words.append(first)
        for other in others:
            self._break(always=True)
            self._words.append(other)

    def _break(self, *, always: bool = False) -> None:
        joined = "".join(self._words)
        self._words.clear()
        text = joined.rstrip() if self._preformatted else re.sub(r"[ \t\r\n\u00a0]+", " ", joined).strip()
        if text or always or "\u00a0" in joined:
            self._push(text)

    def _push(self, text: str) -> None:
        if not text and len(self.lines) > 1 and not self.lines[-1].text and not self.lines[-2].text:
            return  # at most two empty lines in a row
        mark, rule = ("quote", self._rest_rule) if self._rest_rule else ("", "")
        for _, one_mark, one_rule in self._marks[:1]:
            mark, rule = mark or one_mark, rule or one_rule
        prefix = "> " * min(self._quoting, 20)
        self.lines.append(Line(prefix + text if text else "", mark, rule))

    def _mark_of(self, element: etree._Element, tag: str) -> tuple[str, str]:
        """(`quote`, `signature` or `start`, the rule's name) where a client uses an element as such; else empty."""
        attributes = element.attrib
        if not attributes and tag != "blockquote":
            return "", ""
        identity = attributes.get("id", "")
        if identity in _QUOTE_STARTS:
            return "start", _QUOTE_STARTS[identity]
        classes = [one.removeprefix("x_") for one in attributes.get("class", "").split()[:10]]
        names = [("class", one) for one in classes]
        names += [("id", identity.removeprefix("x_")), ("name", attributes.get("name", ""))]
        for name in names:
            if name in _QUOTE_BLOCKS:
                return "quote", _QUOTE_BLOCKS[name]
            if name in _SIGNATURE_BLOCKS:
                return "signature", _SIGNATURE_BLOCKS[name]
        if tag == "blockquote" and (attributes.get("type") == "cite" or "gmail_quote" in classes or "cite" in classes):
            return "quote", "gmail_quote" if "gmail_quote" in classes else "blockquote type=cite"
        if "gmail_quote" in classes and self._may_look() and element.find(".//blockquote") is None:
            # Around a reply Gmail's block holds answers between quotes, too; around a forwarded mail just that mail.
            return "quote", "gmail_quote"
        bordered = _OUTLOOK_BORDER.search(attributes.get("style", "")[:500])
        if bordered and self._may_look() and _LABEL.match("".join(islice(element.itertext(), 10))[:120]):
            return "start", "Outlook header block"
        return "", ""

    def _may_look(self) -> bool:
        self._looks -= 1
        return self._looks >= 0


def text_of(html: str) -> str:
    """A page as plain text, quotes and all."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.text for line in lines_of(html))).strip()
