"""What readers show of a post, over a socket: its summary, the order of its text, its practice section."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from service import SITES, Service, invoke, serving

ATOM = "{http://www.w3.org/2005/Atom}"
MEDIA = "{http://search.yahoo.com/mrss/}"
BASE = "https://small.example.org"

BLOCKS = """\
## Background

Short intro.

**What was done?**

Methods

- a list
- of two

We asked 20 people.

| a | b |
| - | - |
| 1 | 2 |

![the curve](/curve.png)
*Figure 1: the curve*

![again](/curve.png)

*What the curve shows.*

**Table 2. Numbers of people.**

    code

<form><legend>Were they well?</legend><option>Most were.</option></form>

They said yes.[^1]

[^1]: A note.
"""
SUMMARY = "Short intro. Methods. We asked 20 people. Were they well? Most were. They said yes."

CITED = "Lind, K. (2020). Slow <i> & trust. Annals of Small Samples, 4, 7-19."
WITH_IMAGE = 'image: {url: "/pictures/a.png", alt: "A \\"line\\"", width: 640, height: 360}\n'
POSTS = {
    "2022-01-blocks": ("status: corrected\nnote: It said six\n", BLOCKS),
    "2022-02-whole": (
        f'cites: ["{CITED}"]\n{WITH_IMAGE}status: corrected\nnote: It said six.\n',
        "The account.[^1]\n\n### Practice implications:\n\nDo it.[^1]\n\n[^1]: A note.\n",
    ),
    "2022-03-own-references": (
        f'cites: ["{CITED}", "Okoye, B. (2019). Other."]\n{WITH_IMAGE}',
        "The account. ![again](/pictures/a.png)\n\n**Practice Implications**\n\nDo that.\n\n"
        "## References\n\n1. Lind, K. (2020). Slow \\<i> & trust. *Annals of Small Samples*, 4, 7–19.[^1]\n\n"
        "[^1]: A note.\n",
    ),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(SITES / "small/feeds", folder / "feeds")
    (folder / "posts").mkdir()
    for name, (keys, body) in POSTS.items():
        header = f"title: {name}\ndate: {name[:7]}\ntopics: [alliance]\n{keys}"
        (folder / f"posts/{name}.md").write_text(f"---\n{header}---\n{body}")
    return folder


@pytest.fixture(scope="module")
def service(site: Path) -> Iterator[Service]:
    with serving(site) as running:
        yield running


def content(service: Service, path: str) -> dict[str, str]:
    """The text of each item of a JSON feed, by the post's name."""
    items = json.loads(service.ask(path).body)["items"]
    return {item["url"].rstrip("/").rpartition("/")[2]: item["content_html"] for item in items}


def page(service: Service, path: str) -> str:
    return service.ask(path).body.decode()


def test_a_summary_is_running_text_in_every_output(service: Service):
    atom = ElementTree.fromstring(page(service, "/feed.atom")).findall(f"{ATOM}entry/{ATOM}summary")
    rss = ElementTree.fromstring(page(service, "/feed.rss")).findall("channel/item/description")
    items = json.loads(page(service, "/feed.json"))["items"]
    post = page(service, "/posts/2022-01-blocks/")
    told = [
        atom[-1].text,
        rss[-1].text,
        items[-1]["summary"],
        json.loads(page(service, "/posts/2022-01-blocks.json"))["summary"],
        unescape(re.findall(r'<meta name="description" content="(.*?)"', post)[0]),
        unescape(re.findall(r'<meta property="og:description" content="(.*?)"', post)[0]),
        json.loads(re.findall(r'ld\+json">(.*?)</script>', post)[0])["description"],
    ]
    assert told == [SUMMARY] * len(told)


def test_a_note_without_an_end_does_not_run_into_the_summary(service: Service):
    told = f"Corrected. It said six. {SUMMARY}"
    oembed = f"/oembed?url={quote(f'{BASE}/posts/2022-01-blocks/', safe='')}"
    assert json.loads(page(service, "/summary.json"))["items"][-1]["summary"] == told
    assert told in json.loads(page(service, oembed))["html"]
    for path in ("/summary.atom", "/summary.rss", "/archive/", "/embed"):
        assert told in page(service, path), path


REFERENCE = "<cite>Lind, K. (2020). Slow &lt;i&gt; &amp; trust. Annals of Small Samples, 4, 7-19.</cite>"
FIGURE = (
    f'<figure><img src="{BASE}/pictures/a.png" alt="A &quot;line&quot;" width="640" height="360"></figure>\n'
)


def test_a_full_text_is_notice_picture_account_implications_and_references(service: Service):
    text = content(service, "/feed.json")["2022-02-whole"]
    assert text.startswith(f"<p><strong>Corrected.</strong> It said six.</p>\n{FIGURE}<p>The account.<sup")
    assert re.findall(r"<(h\d)>(.*?)</", text) == [("h3", "Practice implications:"), ("h2", "References")]
    assert text.index("Do it.") < text.index("A note.") < text.index("<h2>References")
    assert text.endswith(f"</section>\n<h2>References</h2>\n<ul>\n<li>{REFERENCE}</li>\n</ul>\n")


def test_a_practice_view_is_the_implications_and_then_the_reference(service: Service):
    text = content(service, "/practice.json")["2022-02-whole"]
    assert text.startswith(f"<p><strong>Corrected.</strong> It said six.</p>\n{FIGURE}<p>Do it.<sup")
    assert text.endswith(f"</p>\n<p>{REFERENCE}</p>\n")
    assert "The account" not in text


def test_every_output_with_the_whole_text_has_it_in_this_order(service: Service):
    whole = content(service, "/feed.json")["2022-02-whole"]
    assert json.loads(page(service, "/posts/2022-02-whole.json"))["content_html"] == whole
    assert content(service, "/corrections/feed.json")["2022-02-whole"] == whole
    of_study = whole.replace(
        "Corrected.", "This summary was corrected."
    )  # the entry is the study, not our post
    assert content(service, "/citations.json")["2022-02-whole"] == of_study
    month = content(service, "/issues/feed.json")["2022-02"]
    places = [month.index(text) for text in (">Corrected.<", "<p>The account", "Do it.", REFERENCE)]
    assert places == sorted(places)
    assert "<img" not in month
    post = page(service, "/posts/2022-02-whole/")
    places = [post.index(text) for text in (">Corrected.<", FIGURE, "<p>The account", "Do it.", REFERENCE)]
    assert places == sorted(places)


def test_references_of_the_text_itself_are_completed_and_not_repeated(service: Service):
    text = content(service, "/feed.json")["2022-03-own-references"]
    assert text.count("References</h2>") == 1
    assert text.count("Annals of Small Samples") == 1
    assert text.index("Annals") < text.index("<li><cite>Okoye") < text.index('<section class="footnotes">')
    assert text.endswith("</section>\n")


def test_a_picture_that_the_text_shows_is_not_shown_twice(service: Service):
    assert "<figure>" not in content(service, "/feed.json")["2022-03-own-references"]
    assert "<figure>" not in page(service, "/posts/2022-03-own-references/")
    assert FIGURE in content(service, "/practice.json")["2022-03-own-references"]


@pytest.mark.parametrize("path", ["/feed.atom", "/feed.rss", "/summary.rss", "/practice.atom"])
def test_a_picture_has_a_thumbnail_and_its_size(path: str, service: Service):
    found = list(ElementTree.fromstring(page(service, path)).iter(f"{MEDIA}thumbnail"))
    size = {"url": f"{BASE}/pictures/a.png", "width": "640", "height": "360"}
    assert [one.attrib for one in found] == [size, size]


HEADINGS = [
    "Practice Implications",
    "# Practice Implications",
    "###### PRACTICE IMPLICATIONS:",
    "**Practice implications:**",
    "__Practice Implications__:",
    "*Practice Implications*",
    "Practice Implications\n=====",
    "<h4><strong>Practice Implications</strong></h4>",
]


def test_the_heading_begins_the_practice_section_in_any_form(site: Path, tmp_path: Path):
    _write(site, tmp_path, [f"The account.\n\n{heading}\n\nDo *this*.\n" for heading in HEADINGS])
    assert invoke("check", "--site", str(tmp_path)).returncode == 0
    assert invoke("build", "--site", str(tmp_path), str(tmp_path / "out")).returncode == 0
    items = json.loads((tmp_path / "out/practice.json").read_text("utf-8"))["items"]
    assert [item["content_html"] for item in items] == ["<p>Do <em>this</em>.</p>\n"] * len(HEADINGS)


LOST = [
    "Practice Implication",
    "## Implications for Practice",
    "**Implications for practise:**",
    "### Key clinical implications",
    "Pratice Implicatons",
    "## Prcatice Implications",
    "**Practice Imlpications:**",
    "PracticeImplications",
    "### Practise Implicaions",
    "Practice Implications.",
    "> ## Practice Implications",
    "##Practice Implications",
    "1. Practice Implications",
    "**Practice Implications:** Ask about it.",
    "**Practice Implications**\nAsk about it.",
    "<div><h2>Practice Implications</h2></div>",
]


def test_a_line_that_only_looks_like_the_heading_is_told_with_the_line_to_write(site: Path, tmp_path: Path):
    _write(site, tmp_path, [f"The account.\n\n{line}\n\nDo it.\n" for line in LOST])
    problems = json.loads(invoke("check", "--site", str(tmp_path), "--format", "json").stdout)["problems"]
    assert [(one["file"], one["line"], one["warning"]) for one in problems] == [
        (f"posts/2022-01-{number:02}.md", 8, True) for number in range(len(LOST))
    ]
    for line, problem in zip(LOST, problems, strict=True):
        assert repr(line.partition("\n")[0])[1:-1] in problem["what"]
        assert problem["mend"].startswith("Write `## Practice Implications` on a line of its own")


NOT_LOST = [
    "The practice implications of this are not clear, as the authors say.",
    "The authors discuss several\nimplications for practice.",
    "```\n## Implications for Practice\n```",
    "    Implications for Practice",
    "| Implications for Practice | x |\n| - | - |\n| a | b |",
    "## Practice Implications\n",
    "## Implications for Policy\n\nText.",
    "## Practice Limitations\n\n## Practice Recommendations\n\nText.",
    "## Clinical Implications\n\nText.\n\n## Practice Implications\n\nDo it.",
]


def test_running_text_code_and_other_headings_are_no_lost_heading(site: Path, tmp_path: Path):
    _write(site, tmp_path, [f"The account.\n\n{body}\n" for body in NOT_LOST])
    done = invoke("check", "--site", str(tmp_path))
    assert (done.returncode, "looks like" in done.stdout + done.stderr) == (0, False)


def _write(site: Path, folder: Path, bodies: list[str]) -> None:
    shutil.copytree(site / "feeds", folder / "feeds")
    (folder / "posts").mkdir()
    header = "---\ntitle: A\ndate: 2022-01\ntopics: [alliance]\n---\n"
    for number, body in enumerate(bodies):
        (folder / f"posts/2022-01-{number:02}.md").write_text(f"{header}{body}")
