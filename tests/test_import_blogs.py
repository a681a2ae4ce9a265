"""Whole blogs of other programs, of which nothing is lost in silence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from many import make_site
from service import invoke

IMPORTS = Path(__file__).parent / "imports"
SOURCES = {
    **{
        name: IMPORTS / name for name in ("frames.atom", "cyrillic.rss", "version-one.json", "shortcodes.xml")
    },
    **{name: IMPORTS / "blogs" / name for name in ("jekyll", "hugo", "quarto")},
}


@pytest.fixture
def site(tmp_path) -> Path:
    return make_site(tmp_path / "site", 0)


def imported(site: Path, *names: str, **options: str) -> tuple[int, str, dict[str, str]]:
    """The exit code, the report, and each post by its name."""
    given = [part for key, value in options.items() for part in (f"--{key}", value)]
    paths = [str(SOURCES[name]) for name in names]
    done = invoke("import", *paths, "--site", str(site), *given)
    posts = {path.stem: path.read_text("utf-8") for path in sorted(site.glob("posts/*.md"))}
    return done.returncode, done.stdout.replace(f"{IMPORTS}/", "") + done.stderr, posts


def read(text: str, site: Path, name: str = "feed.xml") -> tuple[int, str, list[str]]:
    """What an import of a file with this text says, and the posts that it makes."""
    (site / name).write_text(text, "utf-8")
    done = invoke("import", str(site / name), "--site", str(site))
    posts = [path.read_text("utf-8") for path in sorted(site.glob("posts/*.md"))]
    return done.returncode, done.stdout.replace(f"{site}/", "") + done.stderr, posts


def test_of_every_platform_all_posts_come_and_check_finds_nothing_that_was_not_reported(site):
    code, said, posts = imported(
        site, *SOURCES, topics="write", topic="Alpha", pictures="https://p.example.org/"
    )
    assert (code, len(posts)) == (0, 14)
    checked = invoke("check", "--site", str(site))
    assert "14 posts" in checked.stdout or "13 posts" in checked.stdout
    for line in checked.stdout.splitlines():
        if found := re.search(r"warning: (?:the (link|picture) '[^']*' leads nowhere|(.*))", line):
            kind = f"relative {found[1]}s were left as they are" if found[1] else found[2]
            assert kind in said
    assert ": warning: " in checked.stdout
    before = {path: path.read_bytes() for path in site.rglob("*.*")}
    again, _, _ = imported(site, *SOURCES, topics="write", topic="Alpha", pictures="https://p.example.org/")
    assert (again, {path: path.read_bytes() for path in site.rglob("*.*")}) == (0, before)


def test_the_end_of_the_report_counts_posts_drafts_and_losses_by_kind_and_place(site):
    _, said, _ = imported(site, "jekyll", "quarto")
    assert said.partition("\n posts  drafts\n")[2] == """\
     3       1  blogs/jekyll
     1       0  blogs/quarto
marks of layout were left out: 3 in posts/2014-12-a-jekyll-post.md, posts/2022-05-q1.md
chunks of code were not run, and are shown: 1 in posts/2022-05-q1.md
players became links: 1 in posts/2014-12-a-jekyll-post.md
relative pictures were left as they are (see --pictures): 1 in posts/2014-12-a-jekyll-post.md
shortcodes were left out: 1 in posts/2014-12-a-jekyll-post.md
Now run `check`: it names each post that still needs a topic.
"""  # fmt: skip


def test_the_report_as_json_has_the_same_in_it(site):
    _, said, _ = imported(site, "jekyll", format="json")
    report = json.loads(said)
    (source,) = report["sources"]
    assert (source["kind"], source["read"], len(source["posts"]), source["drafts"]) == (
        "a blog in Markdown",
        True,
        3,
        1,
    )
    assert {
        "kind": "players became links",
        "number": 1,
        "files": ["posts/2014-12-a-jekyll-post.md"],
    } in report["losses"]
    assert report["topics"] == [
        {"label": "Ropes", "posts": 1, "added": False},
        {"label": "knots", "posts": 1, "added": False},
    ]


def test_unknown_topics_are_gathered_once_and_written_on_request(site):
    _, said, _ = imported(site, "jekyll", "quarto")
    assert '- slug: ropes  # 1 post\n  label: "Ropes"\n' in said
    before = (site / "feeds/topics.yaml").read_text()
    _, said, posts = imported(make_site(site / "other", 0), "jekyll", "quarto", topics="write")
    assert "feeds/topics.yaml: 3 topics added" in said
    after = (site / "other/feeds/topics.yaml").read_text()
    assert after.startswith(before)
    assert "topics:\n  - alpha\n  - ropes\n  - knots\n" in posts["2014-12-a-jekyll-post"]


def test_jekyll_hugo_and_quarto_keep_their_addresses_dates_and_people(site):
    _, _, posts = imported(site, "jekyll", "hugo", "quarto", pictures="https://p.example.org")
    assert posts["2014-12-a-jekyll-post"].partition("aliases:\n")[2] == """\
  - "/alpha/knots/2014/12/17/a-jekyll-post.html"
  - "/old/thing/"
---

Text with /x and ![pic](https://p.example.org/assets/p.png).

```ruby
puts "{{ not liquid }}"
```

 <https://www.youtube.com/watch?v=abc>

Last.
"""  # fmt: skip
    assert "date: 2014-12-17T10:00:00-05:00\n" in posts["2014-12-a-jekyll-post"]
    assert "date: 2015-01-02\n" in posts["2015-01-untitled-post"]
    assert posts["2019-03-bundle"].partition("authors:\n")[2] == """\
  - "Hu Go"
image: {url: "https://p.example.org/cover.jpg", alt: "A cover"}
aliases:
  - "/posts/bundle/"
  - "/b/old/"
---

![inside](https://p.example.org/in.png)

*A caption*

<https://www.youtube.com/watch?v=xyz> see [that](other.md)

```go
a := 1
```
Hi
"""  # fmt: skip
    assert '{name: "Qu Arto", orcid: "0000-0002-1825-0097"}' in posts["2022-05-q1"]
    assert posts["2022-05-q1"].endswith("Text.\n\n```r\n#| echo: false\nplot(1)\n```\n\nNote this.\n")


def test_a_classic_post_of_wordpress_keeps_its_line_ends_shortcodes_and_pictures(site):
    _, _, posts = imported(site, "shortcodes.xml")
    head, _, body = posts["2020-01-classic"].partition("\n---\n\n")
    assert 'image: {url: "https://w.example.net/cover.jpg"}' in head
    assert body == """\
First line  \nsecond line *em*  \nthird

[![s](https://w.example.net/s.jpg)](https://w.example.net/big.jpg)

*A caption*

![](https://w.example.net/7.jpg)

```
if a < b && c:
    print("x")

    y
```

<https://vimeo.com/1>

<https://www.youtube.com/watch?v=zz>

<https://twitter.com/x/status/1>

\\[contact-form-7 id="3"]

> q

end
"""  # fmt: skip
    assert posts["2020-02-blocks"].endswith("\n\nOne[^1]\n\n<https://youtu.be/q>\n\n[^1]: Note text.\n")


def test_authors_addresses_and_pictures_of_feeds_are_their_own(site):
    _, said, posts = imported(site, "frames.atom", "cyrillic.rss", "version-one.json")
    assert '- {name: "Ann Feed", email: "ann@example.net"}' in posts["2021-05-frames-pictures-r-d"]
    assert '- {name: "Bob", email: "bob@example.net"}' in posts["2021-05-own-author"]
    assert '- {name: "Ed Itor", email: "ed@example.net"}' in posts["2021-05-post"]
    assert '- "Ida Tunes"' in posts["2021-05-own"]
    assert ('- "Jo Feed"' in posts["2021-05-one"], '- "Own"' in posts["2021-05-two"]) == (True, True)
    assert 'title: "Привет"\ndate: 2021-05-06T12:30:00Z' in posts["2021-05-post"]
    assert posts["2021-05-post"].endswith(
        "\nA [link](https://pod.example.net/x) & ![](https://pod.example.net/ep/pic.png)\n"
        "\n[ep1.mp3](https://pod.example.net/ep1.mp3)\n"
    )
    assert posts["2021-05-frames-pictures-r-d"].partition("\n---\n\n")[2] == """\
See [\\[PDF\\]](https://blog.example.net/base/sub/x.pdf) and here

[A talk: www.youtube.com](https://www.youtube.com/watch?v=abc123)

![lazy](https://blog.example.net/p.jpg)

Note[^1].

[^1]: The note
"""  # fmt: skip
    assert (
        "frames.atom:6: in the post 'Frames & pictures © R&D': frames became links (1), links within the post became "  # noqa: E501
        "words (1), dates of a change before the publication were left out (1)\n"
    ) in said


ITEM = "<item><title>One</title><pubDate>{}</pubDate><description>Text.</description></item>"
CHANNEL = "<rss version='2.0'><channel><title>T</title>{}</channel></rss>"


@pytest.mark.parametrize(
    ("date", "wanted"),
    [
        ("Thu, 06 May 2021 12:30 GMT", "2021-05-06T12:30:00Z"),
        ("Thu, 06 May 2021 10:30", "2021-05-06T10:30:00Z"),
        ("Thu, 06 May 2021 12:30:00 -0000", "2021-05-06T12:30:00Z"),
        ("2021-05-06T12:30Z", "2021-05-06T12:30:00Z"),
        ("2021-05-06 12:30", "2021-05-06T12:30:00Z"),
        ("2021-05-06T12:30:00.000+0200", "2021-05-06T12:30:00+02:00"),
        ("Thu May 06 12:30:15 2021", "2021-05-06T12:30:15Z"),
    ],
)
def test_a_date_without_seconds_or_zone_is_read(date, wanted, site):
    _, _, (post,) = read(CHANNEL.format(ITEM.format(date)), site)
    assert f"\ndate: {wanted}\n" in post


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (CHANNEL.format(""), 0, "feed.xml: it holds no post"),
        (CHANNEL.format(ITEM.format("never")), 1, "the post 'One' has no date that can be read"),
        (
            "<?xml version='1.0'?><opml version='2.0'><body/></opml>",
            1,
            "this is a list of subscriptions (OPML)",
        ),
        ("<?xml version='1.0'?><urlset/>", 1, "this is a sitemap"),
        ("", 1, "the file is empty"),
    ],
)
def test_the_exit_code_is_1_when_a_source_gave_nothing_though_it_holds_posts(text, code, said, site):
    found = read(text, site)
    assert (found[0], said in found[1], found[2]) == (code, True, [])


def test_a_part_that_no_post_needs_is_left_out_and_its_post_comes(site):
    item = ITEM.format("Thu, 06 May 2021 12:30 GMT").replace(
        "<title>",
        "<author>not an address</author><link>https://e.org/feed/a%20b</link><category>x</category><title>",
    )
    image = '<m:content xmlns:m="http://search.yahoo.com/mrss/" medium="image" url="ftp://e.org/a.png"/>'
    code, said, (post,) = read(CHANNEL.format(item.replace("<title>", f"{image}<title>")), site)
    assert (code, "aliases" in post, "image:" in post) == (0, False, False)
    assert "pictures were left" in said or "`image` was left out" in said


def test_what_other_programs_write_around_an_address_is_taken_off_and_what_is_lost_is_said(site):
    posts = site / "blog/_posts"
    posts.mkdir(parents=True)
    (posts / "2015-03-04-one.md").write_text(
        "---\ntitle: One\ntags: [Alpha]\nauthor:\n  - name: {given: Ann, family: Lee}\n---\n\n"
        '![a]({{ "/a.png" | relative_url }}){: width="300" } [next]({% post_url 2015-03-05-two %})\n\n'
        "{{< video https://v.example.org/a%20b.mp4 >}} {% youtube abc%}\n\n"
        "Seen before [@lund2021, p. 4], by a@x.org.\n",
        "utf-8",
    )
    done = invoke("import", str(site / "blog"), "--site", str(site))
    assert done.returncode == 0
    head, _, text = (site / "posts/2015-03-one.md").read_text("utf-8").partition("---\n\n")
    assert '\n  - "Ann Lee"\n' in head
    assert text == (
        "![a](/a.png) [next](2015-03-05-two)\n\n[Video](https://v.example.org/a%20b.mp4) "
        "<https://www.youtube.com/watch?v=abc>\n\n"
        "Seen before [@lund2021, p. 4], by a@x.org.\n"
    )
    for loss in ("marks of citations were left as they are", "players became links", "relative links"):
        assert f"{loss}" in done.stdout


def test_a_single_file_of_a_blog_is_called_that(site):
    assert read("---\ntitle: One\n---\nText\n", site, "one.md") == (
        1,
        "one.md: this is a single post in Markdown\n"
        "    Import the folder of its blog; or, if it is written for here, move it to posts/.\n\n"
        "1 problem in 1 file. Nothing was written.\n",
        [],
    )


def test_a_lazy_picture_is_seen_from_the_address_of_its_feed(site):
    entry = '&lt;img src="/blank.gif" data-src="b.png"&gt; &lt;img data-original="/c.png"&gt;'
    _, _, (text,) = read(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://old.example.org/blog/"><title>T</title>'
        '<entry><title>One</title><id>urn:a</id><link href="2020/one.html"/>'
        "<updated>2020-03-04T10:00:00Z</updated>"
        f'<content type="html">{entry}</content></entry></feed>',
        site,
    )
    assert text.endswith("\n![](https://old.example.org/blog/b.png) ![](https://old.example.org/c.png)\n")


def test_what_follows_an_embedded_object_and_the_address_of_an_author_come_whole(site):
    _, _, (text,) = read(
        '<rss version="2.0"><channel><title>T</title><link>https://old.example.org/</link><item>'
        "<title>One</title><pubDate>Wed, 04 Mar 2020 10:00:00 GMT</pubDate>"
        "<author>jo@clinic.therapy (Jo Kay)</author>"
        "<description>&lt;embed src='/a.swf'&gt;&lt;p&gt;Text.&lt;/p&gt;</description>"
        "</item></channel></rss>",
        site,
    )
    assert '\n  - {name: "Jo Kay", email: "jo@clinic.therapy"}\n' in text
    assert text.endswith("\n[Object: old.example.org](https://old.example.org/a.swf)\n\nText.\n")


def test_an_address_that_is_typed_in_html_is_typed_in_markdown(site):
    html = "<p>See https://e.org/a_b, <b>www.e.org</b> or a@e.org.</p><p><a href='https://e.org/'>b@e.org</a></p>"
    _, _, (text,) = read(
        CHANNEL.format(
            ITEM.format("Wed, 04 Mar 2020 10:00:00 GMT").replace("Text.", f"<![CDATA[{html}]]>", 1)
        ),
        site,
    )
    assert text.endswith("\nSee https://e.org/a_b, **www.e.org** or a@e.org.\n\n[b@e.org](https://e.org/)\n")


def test_preformatted_text_of_a_classic_post_stays_as_it_is(site):
    text = (
        SOURCES["shortcodes.xml"].read_text("utf-8").replace("third", "<pre>a\n  b\n\n[youtube 1]</pre>", 1)
    )
    _, _, posts = read(text, site)
    assert "\n\n```\na\n  b\n\n[youtube 1]\n```\n\n" in posts[0]


ENTRY = (
    "<item><title>{}</title><pubDate>Mon, 06 Jan 2020 1{}:00:00 GMT</pubDate>"
    "<description>{}</description></item>"
)


def test_two_posts_of_one_title_and_month_are_both_there_in_a_second_run(site):
    items = ENTRY.format("One", 1, "The first text.") + ENTRY.format("One", 2, "The second text.")
    feed = f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'
    assert read(feed, site)[1].count(": written") == 2
    told = read(feed, site)[1]
    assert ("another text" in told, "0 written, 2 already there" in told) == (False, True)


@pytest.mark.parametrize(
    ("end", "is_cut"),
    [
        (" [&amp;hellip;]", True),
        (" [...]&lt;p&gt;The post One appeared first on Old Blog.&lt;/p&gt;", True),
        (" he said “so [...] it was”.", False),
    ],
)
def test_a_feed_of_excerpts_is_reported(site, end, is_cut):
    items = ENTRY.format("One", 1, f"The beginning{end}")
    told = read(f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>', site)[1]
    assert ("texts that the feed cuts off (1)" in told) is is_cut


def test_comments_and_fields_of_plugins_in_an_export_are_counted(site):
    beside = (
        "<wp:postmeta><wp:meta_key>_edit_last</wp:meta_key><wp:meta_value>1</wp:meta_value></wp:postmeta>"
        "<wp:postmeta><wp:meta_key><![CDATA[study]]></wp:meta_key><wp:meta_value>Ek</wp:meta_value></wp:postmeta>"
        "<wp:comment><wp:comment_id>7</wp:comment_id><wp:comment_content>Nice</wp:comment_content></wp:comment>"
        "<wp:comment><wp:comment_id>8</wp:comment_id><wp:comment_content>True</wp:comment_content></wp:comment>"
    )
    state = "<wp:status>publish</wp:status><wp:post_type>post</wp:post_type>"
    items = ENTRY.format("One", 1, "Text.").replace("</item>", f"{state}{beside}</item>")
    wp = 'xmlns:wp="http://wordpress.org/export/1.2/"'
    told = read(f'<rss version="2.0" {wp}><channel><title>T</title>{items}</channel></rss>', site)[1]
    assert "comments were left out (2), fields of plug-ins were left out (1)" in told
