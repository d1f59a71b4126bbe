"""HTML of mails on a screen: nothing runs, nothing is fetched, no link lies."""

from __future__ import annotations

import re
import time

import pytest

from channels.email.html import CleanHtml, clean_html, lines_of, text_of


def clean(html: str) -> CleanHtml:
    return clean_html(html, {"i1@x": 3, "https://x.example/there.png": 4})


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<svg/onload=alert(1)>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style>",
        "<a href='javascript:alert(1)'>x</a>",
        "<a href='java\nscript:alert(1)'>x</a>",
        "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
        "<a href='vbscript:x'>x</a>",
        "<iframe src='https://evil.example'></iframe>",
        "<object data='x'></object><embed src='x'>",
        "<form action='https://evil.example'><input name='password'><button>Go</button></form>",
        "<style>body{background:url(https://evil.example/t)}</style>",
        "<link rel=stylesheet href='https://evil.example/t.css'>",
        "<meta http-equiv=refresh content='0;url=https://evil.example'>",
        "<base href='https://evil.example/'>",
        "<div style='background:url(https://evil.example/t)'>x</div>",
        "<div style='background-image: ur\\6c(https://evil.example/t)'>x</div>",
        "<div style='position:fixed;top:0;left:0'>x</div>",
        "<table background='https://evil.example/t'><td>x</td></table>",
        "<video src='https://evil.example/t' poster='https://evil.example/p'></video>",
        "<audio src='https://evil.example/t'></audio>",
        "<img srcset='https://evil.example/t 2x'>",
        "<input type=image src='https://evil.example/t'>",
        "<p class=own id=conversation>x</p>",
        "<!--[if mso]><script>alert(1)</script><![endif]-->",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    ],
)
def test_nothing_runs_and_nothing_is_fetched(html: str) -> None:
    cleaned = " ".join(re.findall("<[^>]*>", clean(html).html.lower()))  # what is shown as text does no harm
    for danger in ("<script", "onerror", "onload", "javascript:", "vbscript:", "data:", "<iframe", "<object", "<embed"):
        assert danger not in cleaned
    for danger in (
        "<form",
        "<input",
        "<button",
        "<style",
        "<link",
        "<meta",
        "<base",
        "url(",
        "position",
        "<video",
        "<audio",
    ):
        assert danger not in cleaned
    for danger in (" src=", "srcset", "background=", "class=", " id="):
        assert danger not in cleaned
    assert "evil.example" not in cleaned


def test_text_of_what_was_taken_out_stays() -> None:
    assert "Send me" in clean("<form><label>Send me</label><input></form>").html


def test_remote_images_are_held_back() -> None:
    found = clean('<p><img src="https://x.example/a.png" alt="A"><img src="//x.example/b.png"></p>')
    assert found.remote_images == 2
    assert 'data-remote-src="https://x.example/a.png"' in found.html
    assert 'data-remote-src="https://x.example/b.png"' in found.html
    assert " src=" not in found.html
    assert 'alt="A"' in found.html


def test_images_of_one_pixel_are_marked() -> None:
    assert 'data-tracking="1"' in clean('<img src="https://x.example/t.gif" width="1" height="1px">').html
    assert "data-tracking" not in clean('<img src="https://x.example/t.gif" width="100">').html


def test_images_of_the_mail_lead_to_their_attachment() -> None:
    assert 'data-attachment="3"' in clean('<img src="cid:i1@x">').html
    assert 'data-attachment="4"' in clean('<img src="https://x.example/there.png">').html, "Content-Location"
    assert 'data-missing="1"' in clean('<img src="cid:nothing">').html


@pytest.mark.parametrize(
    ("text", "href", "lies"),
    [
        ("https://bank.example/login", "https://evil.example/", True),
        ("bank.example", "https://evil.example/", True),
        ("www.bank.example", "https://bank.example.evil.example/", True),
        ("https://bank.example@evil.example", "https://bank.example/", True),
        ("bank.example", "https://www.bank.example/x", False),
        ("https://bank.example", "https://login.bank.example/x", False),
        ("bänk.example", "https://xn--bnk-qla.example/", False),
        ("Click here", "https://evil.example/", False),
        ("ana@bank.example", "mailto:ana@bank.example", False),
        ("Version 1.2", "https://x.example/", False),
    ],
)
def test_links_that_show_another_host_are_marked(text: str, href: str, lies: bool) -> None:
    found = clean(f'<a href="{href}">{text}</a>')
    assert (found.misleading_links == 1) is lies
    assert ("data-real-host" in found.html) is lies
    assert href in found.html
    assert "noopener" in found.html


def test_marks_of_ours_cannot_be_sent() -> None:
    found = clean('<a href="https://x.example" data-real-host="y" data-shown-host="z">x</a><img data-attachment="9">')
    assert "data-real-host" not in found.html
    assert 'data-attachment="9"' not in found.html


def test_what_a_mail_says_is_all_there() -> None:
    html = "<h1>Title</h1><p>One <b>two</b></p><ul><li>three</li></ul><table><tr><td>four</td></tr></table>"
    cleaned = clean(html).html
    for piece in ("<h1>Title</h1>", "<b>two</b>", "<li>three</li>", "<td>four</td>"):
        assert piece in cleaned


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100000 + "end",
        "<b>" * 100000 + "end",
        "&amp;" * 1000000,
        "<" * 1000000,
        "<a " * 300000,
        "<td><table>" * 50000,
        "x<br>" * 100000,
        "<div class=gmail_quote>" * 50000,
        "<p style='" + "a:b;" * 200000,
    ],
    ids=range(9),
)
def test_hostile_pages_take_little_time(html: str) -> None:
    started = time.process_time()
    clean(html)
    lines_of(html)
    assert time.process_time() - started < 10


def test_text_of_a_page() -> None:
    html = (
        "<head><title>no</title></head><p>One</p><p>Two<br>Three</p><ul><li>Four</ul><div style='display:none'>no</div>"
    )
    assert text_of(html) == "One\n\nTwo\nThree\n\n- Four"
    assert text_of("<pre>a\n  b</pre>") == "a\n  b"
    assert text_of("<blockquote>a<blockquote>b</blockquote></blockquote>") == "> a\n> > b"
    assert text_of("") == ""
    assert text_of("<!-- -->") == ""
    assert text_of("<div>" * 50_000 + "deep") == "deep"
