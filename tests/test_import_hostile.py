"""What an import does with files that somebody made to do harm, and without its libraries."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from many import make_site
from service import command, invoke

ITEM = "<item><title>One</title><pubDate>Wed, 9 Feb 2022 14:30:00 GMT</pubDate>{}</item>"
RSS = f'<rss version="2.0"><channel><title>T</title>\n{ITEM}</channel></rss>'
SECRET = "the secret of the house"


def imported(folder: Path, text: str, **environ: str) -> tuple[str, list[str], float]:
    """What the command says, the posts it wrote, and how long it took."""
    site = make_site(folder / "site", 0)
    (folder / "file.xml").write_text(text, "utf-8")
    began = time.monotonic()
    # With another path of modules, only a new process will do.
    run = command if environ else invoke
    done = run("import", str(folder / "file.xml"), "--site", str(site), **environ)
    assert "Traceback" not in done.stderr
    posts = [path.read_text("utf-8") for path in site.glob("posts/*.md")]
    return done.stdout + done.stderr, posts, time.monotonic() - began


@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;"><!ENTITY x "&b;&b;&b;&b;&b;&b;&b;">',
        '<!ENTITY x SYSTEM "file://{secret}">',
        '<!ENTITY % p SYSTEM "file://{secret}">%p;<!ENTITY x "">',
    ],
    ids=["bomb", "file", "parameter"],
)
def test_a_feed_that_declares_entities_is_refused_and_none_is_read(tmp_path, declared):
    (tmp_path / "secret").write_text(SECRET)
    doctype = f"<!DOCTYPE rss [{declared.format(secret=tmp_path / 'secret')}]>\n"
    said, posts, _ = imported(tmp_path, doctype + RSS.format("<description>Text &x;</description>"))
    assert posts == []
    assert SECRET not in said
    assert "it has a document type (<!DOCTYPE>), which is refused" in said


def test_a_post_about_document_types_is_a_post(tmp_path):
    text = RSS.format("<description><![CDATA[<p>Write &lt;!DOCTYPE html&gt; first.</p>]]></description>")
    _, posts, _ = imported(tmp_path, text)
    assert [post.rpartition("---\n\n")[2] for post in posts] == ["Write \\<!DOCTYPE html> first.\n"]


@pytest.mark.parametrize(
    "element",
    [
        "<author>{}</author>",
        "<author>a@{}</author>",
        '<dc:creator xmlns:dc="http://purl.org/dc/elements/1.1/">{}</dc:creator>',
    ],
)
def test_the_name_of_an_author_without_an_end_is_refused_at_once(tmp_path, element):
    text = RSS.format("<description>Text.</description>" + element.format("a." * 100_000))
    said, posts, seconds = imported(tmp_path, text)
    assert posts == []
    assert "file.xml:2: the name of an author is far too long" in said
    assert seconds < 10


@pytest.mark.slow
@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 100_000 + "word" + "</div>" * 100_000,
        "<ul><li>" * 50_000 + "word",
        "<blockquote>" * 20_000 + "word",
        "<b><i>" * 50_000 + "word",
        "word" + "<a href='" * 100_000,
        "word" + '<a " =" ' * 100_000,
        "word" + "<!--" * 100_000,
        "word" + "<script>" * 100_000,
        "word <" + "a " * 100_000,
        "word" + "</p>" * 100_000,
        "word" + "&#" * 100_000,
        "word" + "\n" * 500_000 + "word",
    ],
    ids=lambda html: html.strip()[:8],
)
def test_a_text_that_is_nothing_but_tags_keeps_its_words_and_takes_no_time(tmp_path, html):
    said, posts, seconds = imported(tmp_path, RSS.format(f"<description><![CDATA[{html}]]></description>"))
    assert all("word" in post for post in posts)
    assert posts or "cannot be a file" in said
    assert seconds < 15


ONLY_WORDS = "parts with too much markup kept only their words"


@pytest.mark.parametrize(
    ("html", "kept", "number"),
    [
        (
            "<p><b>One</b> &amp; two.</p>\n" + "<br>" * 150_000 + "\n<p>*Three*</p>",
            "One & two.\n\n\\*Three\\*",
            2,
        ),
        ("<div>" * 101 + "<b>Deep</b>" + "</div>" * 101, "Deep", 1),
        ("<p><b>One</b></p><ul>" + "<li><i>a</i>" * 2_001 + "</ul>", "**One**" + "\n\na" * 2_001, 1),
        ("<p>" + "<b>a</b> <i></i>" * 5_001 + "</p><p><b>One</b></p>", "a " * 5_000 + "a\n\n**One**", 1),
        (
            '<p>One<sup><a href="#n" id="m">1</a></sup></p><ol><li id="n">'
            + "<i></i>" * 10_001
            + 'A <b>note</b>. <a href="#m">Back</a></li></ol>',
            "One[^1]\n\n[^1]: A note.",
            1,
        ),
    ],
    ids=["many", "deep", "list", "paragraph", "footnote"],
)
def test_a_text_of_which_only_the_words_stay_is_reported(tmp_path, html, kept, number):
    said, posts, _ = imported(tmp_path, RSS.format(f"<description><![CDATA[{html}]]></description>"))
    assert [post.rpartition("---\n\n")[2] for post in posts] == [f"{kept}\n"]
    assert f"file.xml:2: in the post 'One': {ONLY_WORDS} ({number})\n" in said
    assert f"\n{ONLY_WORDS}: {number} in posts/2022-02-one.md\n" in said


def test_a_page_of_which_only_the_words_stay_is_reported(tmp_path):
    text = "A sentence of the text, which is long enough to be one. " * 5
    page = f"<html><body>\n<h2>December 2021</h2>\n<h3>A title</h3>\n<p>{text}</p>\n"
    said, posts, _ = imported(tmp_path, page + "<br>" * 150_000)
    assert [post.rpartition("---\n\n")[2] for post in posts] == [f"{text.strip()}\n"]
    assert f"\n{ONLY_WORDS}: 1 in posts/2021-12-a-title.md\n" in said


EXPORT = (
    '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:wp="http://wordpress.org/export/1.2/"><channel><item><title>One</title>'
    "<wp:post_date>2021-12-06 09:30:00</wp:post_date><wp:status>publish</wp:status>"
    "<wp:post_type>post</wp:post_type><content:encoded><![CDATA[{}]]></content:encoded></item></channel></rss>"
)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "[caption]",
        "[/caption]" + '[caption a="',
        "[embed ",
        "[code]",
        "<!-- wp:x {",
        "a" + " " * 50,
        "a\n",
        "[a](b ",
    ],
)
def test_shortcodes_without_an_end_take_no_time(tmp_path, text):
    said, posts, seconds = imported(tmp_path, EXPORT.format("word " + text * 20_000))
    assert "word" in "".join(posts) or "cannot be a file" in said
    assert seconds < 15


LINKS = "".join(f'<a href="#x{each}">m</a> ' for each in range(4_000))
PLACES = "".join(f'<p><a name="x{each}"></a>word</p>' for each in range(4_000))
DELETED = "".join(f'<at:deleted-entry ref="x{each}"/>\n' for each in range(30_000))
TAGS = "".join(f"<category>&#x{0x4E00 + each:x};</category>" for each in range(2_000))


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        RSS.format(f"<description><![CDATA[{LINKS + PLACES}]]></description>"),
        f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0">\n'
        f"{DELETED}</feed>",
        RSS.format(f"<description>word</description>{TAGS}"),
        "<!--" * 25_000,
    ],
    ids=["links", "deleted", "tags", "comments"],
)
def test_many_of_one_kind_take_no_quadratic_time(tmp_path, text):
    said, _, seconds = imported(tmp_path, text)
    assert seconds < 5
    assert "file.xml:30001: a post was withdrawn" in said or "deleted-entry" not in text


MARKS = ["```a\n", "{% ", "{{< figure ", "{% highlight x %}", "){.", "~~~\n", "![", "[![a](b)"]


@pytest.mark.parametrize(
    "text",
    [*(mark * 20_000 for mark in MARKS), "[" + " @a" * 60_000, "{{< figure" + " " * 2_000],
    ids=lambda text: text.strip()[:12],
)
def test_markdown_without_an_end_takes_no_time(tmp_path, text):
    site = make_site(tmp_path / "site", 0)
    (tmp_path / "blog").mkdir()
    (tmp_path / "blog/a.md").write_text(f"---\ntitle: A\ndate: 2020-01-01\n---\n{text}\nword\n")
    began = time.monotonic()
    done = invoke("import", str(tmp_path / "blog"), "--site", str(site))
    assert "1 written" in done.stdout or "cannot be a file" in done.stdout
    assert time.monotonic() - began < 15


@pytest.mark.slow
@pytest.mark.parametrize("library", ["feedparser", "bs4", "markdownify", "mammoth"])
def test_without_its_libraries_the_command_says_in_one_line_how_to_install_them(tmp_path, library):
    (tmp_path / f"{library}.py").write_text(f"raise ModuleNotFoundError('no module', name={library!r})")
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1] / "src")])
    said, posts, _ = imported(tmp_path, RSS.format("<description>Text.</description>"), PYTHONPATH=paths)
    assert posts == []
    assert said == f"Error: {library} is not installed. Install it: pip install 'pprnet-feeds[import]'\n"
