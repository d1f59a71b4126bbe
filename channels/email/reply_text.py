"""A reply's own text, apart from what it quotes, the signature and the small print.

Clients mark a quoted mail in three ways: by an element of their own in the HTML, by a line such as "On …, Ana wrote:"
or a block of headers above it, and by `>` before each line. All three are read as marks on lines; the decision over the
lines is one. In doubt a line is the writer's own: too much text is read past, too little is lost.

The kept libraries were measured on the corpus of the tests (docs/email-parsing.md has the figures): they cover fewer
languages and clients, and two of them take minutes for one crafted line. All here is linear: long lines are judged by
their first characters, and patterns see at most four lines at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from channels.email import phrases
from channels.email.html import Line, lines_of

_LINE = 600  # characters of a line that patterns look at
_INTRO_LINES = 4
_INTRO = 420
_LINES = 10_000  # lines that are judged; what follows is kept as it is
_Take = Callable[[list[int], str], bool]
_WRAPPED = 60  # a quoted line of at least this length may have been wrapped by a gateway


@dataclass(frozen=True, slots=True)
class ReplyText:
    """What of a mail its writer wrote (`own_text`), all the rest in its order (`rest`), and which rules cut.

    `rule` names what cut the quote (empty: nothing did), `ends` what was taken from the own text's ends:
    `signature`, `sent from`, `closing`, `disclaimer`, `banner`. The own text is empty only when the body is.
    """

    own_text: str
    rest: str
    rule: str
    ends: tuple[str, ...] = ()


def reply_text(text: str, html: str = "") -> ReplyText:
    """Parts a body, given as text, as HTML, or as both.

    HTML is read where its client marked the quote in it, and where there is nothing else; the plain text otherwise.
    """
    marked: tuple[Line, ...] = lines_of(html) if html.strip() else ()
    if text.strip() and not any(line.mark for line in marked):
        marked = tuple(Line(line.rstrip()) for line in _plain(text).split("\n"))
    return _split(list(marked))


def _plain(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").replace("\u2028", "\n")
    text = re.sub(r"\n{4,}", "\n\n\n", text)
    if text.startswith("-----BEGIN PGP SIGNED MESSAGE-----"):
        text = re.sub(r"\A-----BEGIN PGP SIGNED MESSAGE-----\n(?:Hash: [^\n]*\n)?\n?", "", text)
        text = text.split("\n-----BEGIN PGP SIGNATURE-----", 1)[0].replace("\n- -", "\n-")
    return text


def _split(lines: list[Line]) -> ReplyText:
    judged, unjudged = lines[:_LINES], lines[_LINES:]
    judged = _apart(judged)
    own, rule = _own(judged)
    if unjudged and (not own or own[-1]):
        own += [own[-1] if own else True] * len(unjudged)
    else:
        own += [False] * len(unjudged)
    judged += unjudged
    own_lines = [line.text for line, mine in zip(judged, own, strict=True) if mine]
    if not any(line.strip() for line in own_lines):
        # A mail that only forwards or only quotes: shown whole rather than as nothing.
        whole = _joined([line.text for line in judged])
        return ReplyText(whole, "", "nothing above the quote" if rule else "")
    kept, ends = _without_ends(judged, own)
    return ReplyText(
        own_text=_joined([line.text for line, mine in zip(judged, kept, strict=True) if mine]),
        rest=_joined([line.text for line, mine in zip(judged, kept, strict=True) if not mine]),
        rule=rule,
        ends=ends,
    )


def _joined(lines: list[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


_SHARED_LINE = re.compile(
    r"(?P<own>.*?\S)\s*-*\s*"
    r"(?P<intro>\bOn (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|\d)"
    r"[^\n]{5,200}wrote:)\s*$"
)


def _apart(lines: list[Line]) -> list[Line]:
    """Lines in which text and intro stand together ("Yes. On Mon, Apr 4, 2012, Ana wrote:") as two lines each."""
    result: list[Line] = []
    for line in lines:
        if "wrote:" in line.text and len(line.text) < _LINE and line.text[:1] not in (">", "O"):
            match = _SHARED_LINE.match(line.text)
            if match is not None and not line.text.lstrip(" -").startswith("On "):
                result += [Line(match["own"], line.mark, line.rule), Line(match["intro"], line.mark, line.rule)]
                continue
        result.append(line)
    return result


_QUOTED = re.compile(r"\s{0,4}(?:>|\|(?= )|&gt;)")


def _is_quoted(line: Line) -> bool:
    return line.mark == "quote" or (bool(_QUOTED.match(line.text[:12])) and not line.text.startswith(">>> >>>"))


def _own(lines: list[Line]) -> tuple[list[bool], str]:
    """For each line whether it is the writer's, and the rule that cut first."""
    count = len(lines)
    quoted = [_is_quoted(line) for line in lines]
    own = [True] * count
    rule = ""
    introduced = False
    index = 0
    while index < count:
        line = lines[index]
        if quoted[index]:
            own[index] = False
            if line.mark == "quote":
                rule = rule or line.rule
                introduced = True
            index += 1
            continue
        text = line.text[:_LINE].strip()
        if not text:
            index += 1
            continue
        cut = _cuts_the_rest(lines, index, text)
        if cut:
            own[index:] = [False] * (count - index)
            rule = rule or cut
            introduced = True
            break
        length = _intro_length(lines, quoted, index)
        if length:
            follows = next((at for at in range(index + length, count) if lines[at].text.strip()), count)
            own[index : index + length] = [False] * length
            introduced = True
            rule = rule or "intro line"
            if follows < count and not quoted[follows]:
                above = any(mine and lines[at].text.strip() for at, mine in enumerate(own[:index]))
                if above:
                    own[index:] = [False] * (count - index)
                    break
            index += length
            continue
        index += 1
    if not introduced:
        marks = sum(1 for at in range(count) if quoted[at] and lines[at].text.strip(" >|"))
        if marks < 3 and not _trailing(lines, quoted):
            return [True] * count, ""
        rule = rule or "marked lines"
    _unwrap(lines, quoted, own)
    _keep_between(lines, quoted, own)
    return own, rule


def _trailing(lines: list[Line], quoted: list[bool]) -> bool:
    """Whether the quoted lines are the end of the body: a quote without an intro, as some phones send it."""
    last = next((at for at in range(len(lines) - 1, -1, -1) if lines[at].text.strip()), -1)
    first_own = any(lines[at].text.strip() and not quoted[at] for at in range(len(lines)))
    return last >= 0 and quoted[last] and first_own and sum(quoted) >= 2


_OPEN_LINK = re.compile(r"[(<]https?://[^\s()<>]*$")


def _unwrap(lines: list[Line], quoted: list[bool], own: list[bool]) -> None:
    """The rest of a quoted line that a gateway wrapped without its mark is quoted, too."""
    for at in range(1, len(lines) - 1):
        if (
            own[at]
            and quoted[at - 1]
            and quoted[at + 1]
            and lines[at].text.strip()
            and (
                (len(lines[at - 1].text) >= _WRAPPED and len(lines[at].text) < len(lines[at - 1].text))
                or _OPEN_LINK.search(lines[at - 1].text[-_LINE:])
                or lines[at].text.lstrip().startswith(("(http", "<http"))
            )
        ):
            own[at] = False
            quoted[at] = True


_INTRO_RULES = frozenset(("gmail_attr", "moz-cite-prefix", "reply-intro"))


def _keep_between(lines: list[Line], quoted: list[bool], own: list[bool]) -> None:
    """Answers between quotes make no sense without them: of such a mail the quotes in between are kept."""
    runs: list[tuple[str, int, int]] = []  # `own` or `quote`, first line, line after the last
    for at, line in enumerate(lines):
        if not line.text.strip(" >|"):
            continue
        kind = "own" if own[at] else "quote"
        if runs and runs[-1][0] == kind:
            runs[-1] = (kind, runs[-1][1], at + 1)
        else:
            runs.append((kind, at, at + 1))
    between = [at for at in range(1, len(runs) - 1) if runs[at][0] == "own"]
    answers = [
        at
        for at in between
        if any(quoted[runs[at - 1][1] : runs[at - 1][2]]) and any(quoted[runs[at + 1][1] : runs[at + 1][2]])
    ]
    if not answers:
        return
    first_quote = max(answers[0] - 1, 0)
    last_own = max(at for at, run in enumerate(runs) if run[0] == "own")
    for kind, start, end in runs[first_quote : last_own + 1]:
        if kind == "quote":
            for at in range(start, end):
                if quoted[at] and lines[at].rule not in _INTRO_RULES:
                    own[at] = True
                    if lines[at].mark == "quote":
                        lines[at] = Line(f"> {lines[at].text}")


_DASHED = re.compile(r"[\s>]*[-‐‑–—_=*]{2,}\s*([^\s\-‐‑–—_=*].{0,70}?)\s*[-‐‑–—_=*]{2,}:?\s*$")
_DASHES = "-‐‑–—_=*>"
_HALF_DASHED = re.compile(r"[\s>]*[-‐‑–—_=*]{3,}\s*([^\s\-‐‑–—_=*].{0,70}?)\s*[-‐‑–—_=*]{0,60}:?\s*$")
_RULER = re.compile(r"\s*[_\-=]{20,}\s*$")


def _cuts_the_rest(lines: list[Line], index: int, text: str) -> str:
    """The rule by which everything from this line on belongs to another mail; empty when it does not."""
    if phrases.REPLY_ABOVE.search(text[:200]) and len(text) < 200:
        return "reply above this line"
    dashed = (_DASHED.match(text[:200]) or _HALF_DASHED.match(text[:200])) if text[0] in _DASHES else None
    if dashed is not None:
        words = re.sub(r"\s+", " ", dashed.group(1)).strip(" :").lower()
        if words in phrases.DIVIDERS:
            return "original message"
        if phrases.FORWARDS.search(words) or _header_block(lines, index + 1):
            return "forwarded message" if phrases.FORWARDS.search(words) else "original message"
    elif len(text) < 80 and phrases.FORWARDS.match(text) and text.endswith((":", "：")):
        return "forwarded message"
    if _RULER.match(text):
        return "header block" if _header_block(lines, index + 1) else ""
    return "header block" if (":" in text or "：" in text) and _header_block(lines, index) else ""


_LABELLED = re.compile(r"[\s>*_]{0,6}([^\W\d_][^:：\n]{0,28}?)[\s*_]{0,4}[:：][\s*_]{0,4}(.{0,500})")


def _header_block(lines: list[Line], index: int) -> bool:
    """Whether a block of mail headers begins here: From, and what else shows that it is no list of the writer's own."""
    seen: set[str] = set()
    address = dated = False
    skipped = 0
    looked = 0
    for line in lines[index : index + 16]:
        text = line.text[:_LINE]
        match = _LABELLED.match(text)
        role = _role(match.group(1)) if match is not None else ""
        if not role:
            if not seen and text.strip():
                return False
            skipped += 1
            # Long recipients and subjects run over several lines; an empty line ends the block, but Outlook for the web
            # and pages turned into text put one between each two headers.
            if skipped > 3 or (not seen and looked > 2):
                break
            looked += 1
            if text.strip() and "date" not in seen and phrases.HAS_DATE.search(text):
                dated = True
            continue
        skipped = 0
        if not seen and role not in ("from", "date", "to", "subject"):
            return False
        seen.add(role)
        value = match.group(2) if match is not None else ""
        if role == "from" and ("@" in value or "mailto:" in value):
            address = True
        if role == "date" and phrases.HAS_DATE.search(value):
            dated = True
        if role == "to" and "@" in value:
            address = True
    if len(seen) < 2:
        return False
    if "from" in seen:
        return ("subject" in seen and (address or dated or len(seen) >= 3)) or (dated and address)
    return dated and "date" in seen and (address or {"to", "subject"} <= seen)


def _role(label: str) -> str:
    words = re.sub(r"\s+", " ", label).strip(" *_>").lower()
    if words in phrases.FROM_LABELS:
        return "from"
    if words in phrases.SUBJECT_LABELS:
        return "subject"
    if words in phrases.DATE_LABELS:
        return "date"
    return "to" if words in phrases.TO_LABELS else ""


_INTRO_ENDS = (":", "：", ">", ")", "]", "wrote")
# Marks of direction around names and addresses in Hebrew and Arabic, and zero-width spaces.
_MARKS = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def _intro_length(lines: list[Line], quoted: list[bool], index: int) -> int:
    """How many lines from here are the intro of a quote ("On …, Ana <ana@example.org> wrote:"); 0: none."""
    joined = ""
    for length in range(1, _INTRO_LINES + 1):
        at = index + length - 1
        if at >= len(lines) or (quoted[at] and not joined.rstrip().endswith("<")):
            return 0
        piece = _MARKS.sub("", lines[at].text[:_LINE]).strip()
        if not piece:
            if length == 1 or not joined.endswith((",", "<")):
                return 0
            continue
        joined = f"{joined} {piece}" if joined else piece
        if len(joined) > _INTRO:
            return 0
        if piece.rstrip("-_ *").endswith(_INTRO_ENDS) and _is_intro(joined, lines, quoted, at):
            return 0 if length > 1 and _begins_later(lines, quoted, index, at) else length
    return 0


def _begins_later(lines: list[Line], quoted: list[bool], index: int, last: int) -> bool:
    """Whether the first line is the writer's and the intro begins below it, without an empty line between them."""
    first = lines[index].text[:_LINE].strip()
    if first.endswith(("<", "(")):
        return False  # a client broke the line within the address
    plausible = bool(_STARTS.match(first) or phrases.HAS_ADDRESS.search(first))
    for start in range(index + 1, last + 1):
        joined = " ".join(line.text[:_LINE].strip() for line in lines[start : last + 1]).strip()
        begins = _STARTS.match(joined) is not None
        if (begins or not plausible) and joined and _is_intro(joined, lines, quoted, last):
            return True
    return False


# A date, a day's name or a preposition before one; not the first word of just any sentence.
_STARTS = re.compile(
    rf"(?:-{{2,}}\s*)?(?:\d|{phrases.INTRO_START.pattern}\s*(?=.{{0,40}}\d)|[^\W\d_]{{2,12}}[.,]\s.{{0,20}}\d)",
    re.IGNORECASE,
)


def _is_intro(joined: str, lines: list[Line], quoted: list[bool], last: int) -> bool:
    text = joined.lstrip("-_ >*").rstrip("-_ *")
    closed = text.endswith((":", "：", ":*", "wrote"))
    following = next((at for at in range(last + 1, min(last + 5, len(lines))) if lines[at].text.strip()), -1)
    before_quote = following >= 0 and quoted[following]
    if not closed:
        return before_quote and bool(phrases.BARE_INTRO.match(text)) and bool(phrases.HAS_DATE.search(text))
    dated = bool(phrases.HAS_DATE.search(text))
    address = bool(phrases.HAS_ADDRESS.search(text))
    if not (dated or address):
        # "Ana wrote:" right above marked lines
        return before_quote and len(text) < 120 and bool(phrases.WROTE.search(text[-40:]))
    if phrases.WROTE.search(text):
        if before_quote or (dated and address):
            return True
        started = bool(phrases.INTRO_START.match(text))
        return dated and started and len(text) < 200 and text.count(". ") < 3
    # A date and an address before a colon, in whatever language.
    if before_quote and dated and address:
        return True
    return dated and address and bool(re.search(r"[>)\]]\s*[:：]$|@\S+[:：]$", text)) and len(text) < 260


def _without_ends(lines: list[Line], own: list[bool]) -> tuple[list[bool], tuple[str, ...]]:
    """The own lines without banner, disclaimer and signature, and what was taken. Never takes all."""
    kept = list(own)
    taken: list[str] = []

    def left(after: int = -1) -> list[int]:
        return [at for at, mine in enumerate(kept) if mine and at > after and lines[at].text.strip()]

    def take(positions: list[int], what: str) -> bool:
        rest = set(left()) - set(positions)
        if not rest or not positions:
            return False
        for at in positions:
            kept[at] = False
        taken.append(what)
        return True

    present = left()
    if present and phrases.BANNER.match(lines[present[0]].text[:400]):
        end = next((at for at in range(present[0], len(lines)) if not lines[at].text.strip()), len(lines))
        take([at for at in present if at < end and at - present[0] < 8], "banner")
    take([at for at in left() if lines[at].mark == "signature"], "signature")
    for _ in range(2):  # each may stand below another
        present = left()
        for position in _end(present, 200):
            text = lines[present[position]].text[:300]
            if phrases.DISCLAIMER.match(text) and _last_run(present, lines, position):
                take(present[position:], "disclaimer")
                break
        _take_signature(lines, left(), take)
    return kept, tuple(dict.fromkeys(taken))


def _end(present: list[int], count: int) -> range:
    """The last positions, at most `count`, without the very first: something must stay."""
    return range(max(1, len(present) - count), len(present))


def _last_run(present: list[int], lines: list[Line], position: int) -> bool:
    """Whether a disclaimer may begin here: after an empty line or a ruler, or far down."""
    before = present[position] - 1
    return before < 0 or not lines[before].text.strip() or position > len(present) // 2


_DECORATION = re.compile(r"[^\w\s.,;:!?)]+$")  # smileys and the like behind a closing


def _take_signature(lines: list[Line], present: list[int], take: _Take) -> None:
    for position in _end(present, 41):
        at, after = present[position], present[position + 1 :]
        text = lines[at].text[:_LINE].strip()
        if len(lines[at].text) < 20 and phrases.SIGNATURE_LINE.match(lines[at].text):
            plain = text == "--"
            if len(after) <= (40 if plain else 12) and all(len(lines[one].text) < 400 for one in after):
                take(present[position:], "signature")
                return
        if len(after) <= 12 and _RULER.match(text):
            take(present[position:], "signature")
            return
    for position in _end(present, 7):
        text = lines[present[position]].text[:_LINE].strip()
        if len(text) <= 120 and phrases.SENT_FROM.match(text):
            if text.endswith((".", "?", "!")) and len(text.split()) > 8:
                continue  # a sentence that begins like one
            take(present[position:], "sent from")
            present = present[:position]
            break
    for position in _end(present, 15):
        text = _DECORATION.sub("", lines[present[position]].text[:_LINE]).strip(" *_\t")
        after = present[position + 1 :]
        if len(text) > 60:
            continue
        strong = phrases.STRONG_CLOSING.match(text) is not None
        weak = not strong and phrases.WEAK_CLOSING.match(text) is not None
        if not (strong or weak):
            continue
        words = sum(len(lines[one].text.split()) for one in present[:position])
        if weak and (words < 3 or len(after) > 6 or (not after and words < 6)):
            continue
        if all(len(lines[one].text) <= 110 for one in after) and not any(
            lines[one].text.rstrip().endswith("?") for one in after
        ):
            take(present[position:], "closing")
            return
