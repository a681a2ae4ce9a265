"""What not everybody may read where it comes from is never imported as public."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from many import make_site
from service import invoke

IMPORTS = Path(__file__).parent / "imports"
NAMESPACE = "http://wordpress.org/export/1.2/"
ITEM = """\
<item><title>{title}</title><pubDate>Mon, 06 Dec 2021 14:30:00 +0000</pubDate>
<content:encoded><![CDATA[<p>The text of it.</p>]]></content:encoded>
<wp:post_date>2021-12-06 09:30:00</wp:post_date><wp:post_name>{name}</wp:post_name>{state}</item>
"""
PUBLIC = "<wp:status>publish</wp:status><wp:post_type>post</wp:post_type>"
# What an item says of itself; only the first is public.
STATES = {
    "public": f"<wp:post_password></wp:post_password>{PUBLIC}",
    "locked": f"<wp:post_password>x</wp:post_password>{PUBLIC}",
    **{
        status: f"<wp:status>{status}</wp:status><wp:post_type>post</wp:post_type>"
        for status in ("draft", "pending", "private", "future", "trash", "inherit", "auto-draft", "embargo")
    },
    **{
        kind: f"<wp:status>publish</wp:status><wp:post_type>{kind}</wp:post_type>"
        for kind in ("page", "attachment", "nav_menu_item", "revision", "wp_block", "product")
    },
    "silent": "<wp:post_type>post</wp:post_type>",
    "nameless": "<wp:status>publish</wp:status>",
}
DRAFTS = {"locked", "draft", "pending", "private", "future"}


def export(namespace: str = NAMESPACE, prefix: str = "wp") -> str:
    items = "".join(
        ITEM.format(title=f"All of {name}", name=name, state=state) for name, state in STATES.items()
    )
    items = re.sub(r"(</?)wp:", rf"\1{prefix}:", items)
    return (
        '<?xml version="1.0"?>\n<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
        f'xmlns:{prefix}="{namespace}"><channel><title>T</title>\n{items}</channel></rss>\n'
    )


def imported(folder: Path, text: str) -> tuple[dict[str, bool], str]:
    """Whether each post that was written is a draft, by the name WordPress gave it; and the report."""
    site = make_site(folder / "site", 0)
    (folder / "file.xml").write_text(text, "utf-8")
    done = invoke("import", str(folder / "file.xml"), "--site", str(site))
    assert "Traceback" not in done.stderr
    written = {path.stem[8:]: "\ndraft: true\n" in path.read_text("utf-8") for path in site.glob("posts/*")}
    return written, done.stdout


WANTED = {"public": False, **dict.fromkeys(DRAFTS, True)}


def test_only_what_is_public_in_wordpress_becomes_public_and_the_report_names_the_rest(tmp_path):
    written, report = imported(tmp_path, export())
    assert written == WANTED
    for name in STATES.keys() - {"public"}:
        said = name if name in STATES.keys() - DRAFTS - {"silent", "nameless"} else f"All of {name}"
        assert said in report or name == "nameless", name
    assert (
        "the post 'All of locked' becomes a draft: it is not public there, but protected by a password"
        in report
    )
    assert "1 of type 'item without a type': not a post" in report


@pytest.mark.parametrize(
    ("namespace", "prefix"),
    [
        ("https://wordpress.org/export/1.2/", "wp"),
        ("http://wordpress.org/export/1.0/", "wp"),
        ("https://wordpress.org/export/2.0-beta/", "wp"),
        ("https://www.wordpress.org/export/1.2", "wp"),
        ("//wordpress.org/export/1.2/", "wp"),
        (NAMESPACE, "w"),
        ("https://wordpress.org/export/1.1/", "export"),
        ("HTTP://WORDPRESS.ORG/EXPORT/1.2/", "wp"),
        ("https://blog.example.org/?wxr", "wp"),
        ("http://purl.org/dc/terms/", "dc"),
    ],
)
def test_an_export_is_known_whatever_its_namespace_has_become(tmp_path, namespace, prefix):
    assert imported(tmp_path, export(namespace, prefix))[0] == WANTED


def test_an_export_whose_every_address_was_rewritten_to_https_keeps_its_texts(tmp_path):
    written, report = imported(tmp_path, export().replace("http://", "https://"))
    assert (written, "a WordPress export" in report) == (WANTED, True)


def test_an_export_without_a_head_of_its_own_is_still_an_export(tmp_path):
    """Its elements say what it is, not its channel, nor its first line."""
    text = export().replace('<?xml version="1.0"?>\n', "<!-- made by -->\n<!-- WordPress -->\n")
    assert imported(tmp_path, text)[0] == WANTED


def test_two_versions_of_the_format_in_one_export_are_both_read(tmp_path):
    other = export("https://wordpress.org/export/1.0/", "w")
    item = other[other.index("<item><title>All of private") : other.index("<item><title>All of future")]
    first = export().replace(
        "<channel>",
        '<channel xmlns:w="https://wordpress.org/export/1.0/">' + item.replace("private", "hidden", 2),
    )
    written, _ = imported(tmp_path, first)
    assert written == WANTED | {"hidden": True}


def test_an_export_that_uses_its_prefix_again_for_something_else_publishes_nothing_more(tmp_path):
    text = export().replace(
        "<item><title>All of draft", '<item><wp:x xmlns:wp="http://e.org/"/><title>All of draft'
    )
    assert imported(tmp_path, text)[0] == WANTED


def test_an_export_whose_fields_have_no_prefix_publishes_nothing_more(tmp_path):
    text = re.sub(r"<wp:(\w+)>", rf'<\1 xmlns="{NAMESPACE}">', export()).replace("</wp:", "</")
    assert imported(tmp_path, text.replace(f'xmlns:wp="{NAMESPACE}"', ""))[0] == WANTED


def test_an_export_that_lost_its_namespace_is_still_an_export(tmp_path):
    text = re.sub(r"(</?)wp:", r"\1", export()).replace(f'xmlns:wp="{NAMESPACE}"', "")
    assert imported(tmp_path, text)[0] == WANTED


@pytest.mark.parametrize("name", ["status", "post_type", "post_password"])
def test_an_element_of_an_export_may_have_attributes(tmp_path, name):
    text = export().replace(f"<wp:{name}>", f'<wp:{name} xml:space="preserve">')
    assert imported(tmp_path, text)[0] == WANTED


@pytest.mark.parametrize("other", ["publish", "private"])
def test_of_two_contradicting_fields_none_makes_a_post_public(tmp_path, other):
    text = export().replace("<wp:status>", f"<wp:status>{other}</wp:status><wp:status>")
    assert imported(tmp_path, text)[0] == {}


def test_an_export_whose_prefix_is_not_declared_is_refused(tmp_path):
    written, report = imported(tmp_path, export().replace(f'xmlns:wp="{NAMESPACE}"', ""))
    assert (written, "it is not well-formed XML: unbound prefix" in report) == ({}, True)


def test_a_feed_with_a_post_about_exports_is_no_export(tmp_path):
    about = '<description><![CDATA[<pre>xmlns:wp="http://wordpress.org/export/1.2/"</pre>]]></description>'
    item = f"<item><title>One</title><pubDate>Wed, 9 Feb 2022 14:30:00 GMT</pubDate>{about}</item>"
    written, _ = imported(tmp_path, f'<rss version="2.0"><channel>{item}</channel></rss>')
    assert written == {"one": False}


@pytest.mark.parametrize(
    "state",
    [
        '<control xmlns="http://purl.org/atom/app#"><draft>yes</draft></control>',
        '<a:control xmlns:a="http://www.w3.org/2007/app"><a:draft xml:lang="en">Yes</a:draft></a:control>',
        '<b:status xmlns:b="http://schemas.google.com/blogger/2018">DRAFT</b:status>',
        '<b:status xmlns:b="http://schemas.google.com/blogger/2018">SOFT_TRASHED</b:status>',
        "<status>private</status>",
    ],
)
def test_whatever_says_that_an_entry_is_not_public_makes_a_draft(tmp_path, state):
    entry = (
        "<entry><title>{}</title><updated>2021-05-06T12:00:00Z</updated><content>Text.</content>{}</entry>"
    )
    live = '<b:status xmlns:b="http://schemas.google.com/blogger/2018">LIVE</b:status>'
    entries = entry.format("A", state) + entry.format("B", live)
    text = f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'
    assert imported(tmp_path, text)[0] == {"a": True, "b": False}


def test_a_draft_in_an_atom_feed_stays_a_draft(tmp_path):
    entry = (
        "<entry><title>{0}</title><updated>2021-05-06T12:00:00Z</updated><content>Text.</content>"
        '<app:control xmlns:app="http{1}://www.w3.org/2007/app"><app:draft>{2}</app:draft></app:control></entry>'
    )
    entries = (
        entry.format("Yes", "", "yes"),
        entry.format("Yes Too", "s", " yes "),
        entry.format("No", "", "no"),
    )
    written, report = imported(
        tmp_path, f'<feed xmlns="https://www.w3.org/2005/Atom">{"".join(entries)}</feed>'
    )
    assert written == {"yes": True, "yes-too": True, "no": False}
    assert "the post 'Yes' becomes a draft: it is not public there, but a draft" in report


@pytest.mark.parametrize("key", ["content_html", "content_text", "title", "summary", "id", "tags"])
def test_a_lone_surrogate_in_a_json_feed_loses_no_post(tmp_path, key):
    items = [
        {"title": title, "date_published": "2021-05-06T12:00:00Z", "content_html": f"<p>{title} text.</p>"}
        for title in ("One", "Two", "Three")
    ]
    if key == "content_text":
        del items[0]["content_html"]
    items[0] |= {key: ["A \ud83d b"] if key == "tags" else "A \ud83d b"}
    site = make_site(tmp_path / "site", 0)
    feed = {"version": "https://jsonfeed.org/version/1.1", "items": items}
    (tmp_path / "feed.json").write_text(json.dumps(feed))
    done = invoke("import", str(tmp_path / "feed.json"), "--site", str(site))
    assert "Traceback" not in done.stderr
    assert len(list(site.glob("posts/*.md"))) == 3


@pytest.mark.parametrize(
    ("line", "is_draft"),
    [
        *((line, True) for line in ("Draft: true", "draft: 1", "status: private", "visibility: Hidden")),
        *(
            (line, True)
            for line in ("private: yes", "password: x", "published: no", "expiryDate: 2021-12-31")
        ),
        *((line, False) for line in ("draft: no", "status: Published", "password:", "published: true")),
    ],
)
def test_whatever_says_that_a_post_in_markdown_is_not_public_makes_a_draft(tmp_path, line, is_draft):
    site = make_site(tmp_path / "site", 0)
    (tmp_path / "_posts").mkdir()
    (tmp_path / "_posts/2021-12-06-one.md").write_text(f"---\ntitle: One\n{line}\n---\n\nText.\n")
    assert invoke("import", str(tmp_path / "_posts"), "--site", str(site)).returncode == 0
    (written,) = site.glob("posts/*.md")
    assert ("\ndraft: true\n" in written.read_text("utf-8")) is is_draft


def test_a_post_that_appears_later_in_its_old_blog_appears_later_here(tmp_path):
    site = make_site(tmp_path / "site", 0)
    (tmp_path / "content").mkdir()
    text = "---\ntitle: One\ndate: 2021-12-06\npublishDate: 2061-05-04T10:00:00Z\n---\n\nText.\n"
    (tmp_path / "content/one.md").write_text(text)
    assert invoke("import", str(tmp_path / "content"), "--site", str(site)).returncode == 0
    (written,) = site.glob("posts/*.md")
    assert "\ndate: 2061-05-04T10:00:00Z\n" in written.read_text("utf-8")
