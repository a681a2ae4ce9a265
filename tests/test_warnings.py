"""Warnings of `check`, `plan` and `publish`: they keep nothing out, and nobody should miss them."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service import ROOT, invoke

FRONT = "---\ntitle: A\ndate: 2022-01\ntopics: [training]\n---\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site with two posts: `a`, which each test writes anew, and `2021-12-burnout-in-therapists`."""
    shutil.copytree(ROOT / "feeds", tmp_path / "feeds")
    (tmp_path / "feeds/ledger.json").unlink(missing_ok=True)
    post(tmp_path, "a", "Text.\n")
    post(tmp_path, "2021-12-burnout-in-therapists", "Text.\n")
    return tmp_path


def post(site: Path, stem: str, body: str, more: str = "", date: str = "2022-01") -> None:
    (site / "posts").mkdir(exist_ok=True)
    front = FRONT.replace("2022-01", date).replace("\n---\n", f"\n{more}\n---\n" if more else "\n---\n")
    (site / f"posts/{stem}.md").write_text(front + body, "utf-8")


def check(site: Path, *options: str, code: int = 0, **environ: str) -> str:
    done = invoke("check", "--site", str(site), *options, **environ)
    assert (done.returncode, done.stderr) == (code, ""), done
    return done.stdout


def warned(site: Path, body: str, **environ: str) -> list[str]:
    """The warnings of a post with this body; its first line is line 6."""
    post(site, "a", body)
    told = check(site, **environ)
    return told.split("\n\n")[0].split("\n") if "warning: " in told else []


# Messages and formats


def test_warnings_keep_nothing_out_and_only_strict_takes_them_for_a_fault(site):
    post(site, "a", "See [it](chart.png).\n")
    text = (
        "posts/a.md:6: warning: the link 'chart.png' leads nowhere\n"
        "    Only posts are served: put the file on a web server and write its whole address, https://….\n"
        "\n"
        "2 posts, 1 warning in 1 file.\n"
    )
    assert check(site) == text
    assert check(site, "--strict", code=1) == text


def test_without_warnings_the_last_line_says_so_also_with_strict(site):
    assert check(site) == check(site, "--strict") == "2 posts, no problems\n"


def test_programs_get_warnings_as_json_and_pull_requests_as_annotations(site):
    post(site, "a", "See [it](chart.png).\n")
    told = json.loads(check(site, "--format", "json"))
    assert [(each["file"], each["line"], each["warning"]) for each in told["problems"]] == [
        ("posts/a.md", 6, True)
    ]
    assert told["consequence"] == "2 posts, 1 warning in 1 file."
    assert check(site, "--format", "github").startswith("::warning file=posts/a.md,line=6::the link ")
    assert json.loads(check(site, "--format", "json", "--strict", code=1)) == told


def test_problems_and_warnings_come_in_one_run(site):
    post(site, "a", "See [it](chart.png).\n")
    post(site, "b", "Text.\n", date="2022-13")
    told = check(site, code=1)
    assert "posts/a.md:6: warning: the link 'chart.png' leads nowhere\n" in told
    assert "posts/b.md:3: `date` is not a date" in told
    assert told.endswith("\n1 problem and 1 warning in 2 files. Nothing was published.\n")


def test_plan_and_publish_report_warnings_and_go_on(site):
    post(site, "a", "See [it](chart.png).\n<script>x()</script>\n")
    planned = invoke("plan", "--site", str(site))
    assert planned.returncode == 0
    assert "posts/a.md:6: warning: the link 'chart.png' leads nowhere\n" in planned.stdout
    told = json.loads(invoke("plan", "--site", str(site), "--format", "json").stdout)
    assert [each["line"] for each in told["warnings"]] == [6, 7]
    published = invoke("publish", "--site", str(site), PPRNET_BASE_URL="https://feeds.example.org")
    assert published.returncode == 0
    assert "posts/a.md:7: warning: the text holds a <script> element, which is removed\n" in published.stdout
    assert (site / "feeds/ledger.json").exists()


def test_what_is_mended_or_removed_is_a_warning(site):
    post(site, "a", "Text \x07.\n\nA[^x]\n\n[^x]: One.\n[^x]: Two.\n")
    post(site, "b", "Text.\n", more="aliases: [/posts/2021-12-burnout-in-therapists/]")
    told = check(site)
    assert "posts/a.md:6: warning: a character that no feed may hold was left out" in told
    assert "posts/a.md:11: warning: the footnote '[^x]' is here a second time" in told
    assert (
        "posts/b.md: warning: the path '/posts/2021-12-burnout-in-therapists/' in `aliases` is taken" in told
    )


# Posts that readers do not see


def test_the_last_line_counts_posts_and_drafts_and_scheduled_posts_are_listed(site):
    post(site, "b", "Text.\n", more="draft: true")
    post(site, "c", "Text.\n", date=f"{datetime.now(UTC).year + 1}-01-02T03:04:00Z")
    told = check(site)
    assert told.startswith(
        "Readers do not see these yet (times of America/Toronto):\n"
        "  posts/b.md: a draft\n"
        f"  posts/c.md: appears on {datetime.now(UTC).year + 1}-01-01 at 22:04\n"
    )
    assert told.endswith("\n\n4 posts (1 draft, 1 scheduled), no problems\n")


def test_one_post_is_one_post(site):
    (site / "posts/a.md").unlink()
    assert check(site) == "1 post, no problems\n"


# Addresses below our own that lead nowhere


DEAD = [

    ("../2021-12-burnout-in-therapist/", "Did you mean /posts/2021-12-burnout-in-therapists/?"),
    ("/posts/2021-12-burn-out-in-therapists/", "Did you mean /posts/2021-12-burnout-in-therapists/?"),
    ("2021-12-burnout-in-therapists.md", "Did you mean /posts/2021-12-burnout-in-therapists/?"),
    ("../posts/2021-12-burnout-in-therapists.md#x", "Did you mean /posts/2021-12-burnout-in-therapists/?"),
    ("burnout-in-therapists", "Did you mean /posts/2021-12-burnout-in-therapists/?"),
    ("/2021-12-burnout-in-therapists/", "Did you mean /posts/2021-12-burnout-in-therapists/?"),
    ("https://feeds.example.org/posts/burnout-in-therapists/", "Did you mean /posts/2021-12-burnout-in-"),
    ("http://FEEDS.example.org/posts/nope-nope/", "Take it out, or write an address that is there."),
    ("//feeds.example.org/nope/", "Take it out, or write an address that is there."),
    ("/topics/nope/", "Take it out, or write an address that is there."),
    ("/topics/depression/", "Did you mean /topics/depression-and-depressive-symptoms/?"),
    ("/topics/trainig/feed.atom", "Did you mean /topics/training/feed.atom?"),
    ("/research/meta-analysis/", "Did you mean /research/meta-analyses/?"),
    ("/topics/training/research/nope/", "Did you mean /topics/training/?"),
    ("/topic/", "Did you mean /topics/?"),
    ("/archive/1999/", "Take it out, or write an address that is there."),
    ("www.example.org", "Did you mean https://www.example.org?"),
    ("www.example.org/a?b#c", "Did you mean https://www.example.org/a?b#c?"),
    ("example.org/about", "Did you mean https://example.org/about?"),
    ("http//example.org/about", "Did you mean https://example.org/about?"),
    ("https:/www.example.org", "Did you mean https://www.example.org?"),
    ("10.1002/cpp.2521", "Did you mean https://doi.org/10.1002/cpp.2521?"),
    ("doi.org/10.1002/cpp.2521", "Did you mean https://doi.org/10.1002/cpp.2521?"),
    ("ann@example.org", "Did you mean mailto:ann@example.org?"),
    ("slides.pdf", "Only posts are served: put the file on a web server"),
    ("/images/chart.PNG", "Only posts are served: put the file on a web server"),
]  # fmt: skip


def test_a_dead_link_is_a_warning_at_its_line(site):
    lines = [f"See “this” *or* & [it]({typed}) or `[code](nope)`\n" for typed, _ in DEAD]
    told = warned(site, f"One.\n\n{''.join(lines)}", PPRNET_BASE_URL="https://feeds.example.org")
    assert told[::2] == [
        f"posts/a.md:{line}: warning: the link '{typed}' leads nowhere"
        for line, (typed, _) in enumerate(DEAD, 8)
    ]
    assert [how.strip()[: len(mend)] for how, (_, mend) in zip(told[1::2], DEAD, strict=True)] == [
        mend for _, mend in DEAD
    ]


ALIVE = [
    "../2021-12-burnout-in-therapists/",
    "/posts/2021-12-burnout-in-therapists",
    "/posts/2021-12-burnout-in-therapists.json",
    "/posts/2021-12-burnout-in-therapists.bib",
    "https://feeds.example.org",
    "https://feeds.example.org/posts/a/",
    "https://feeds.example.org.evil/nope/",
    "https://doi.org/nope",
    "mailto:ann@example.org",
    "tel:+1",
    "/",
    "/?x=1",
    "/feed",
    "/rss.xml",
    "/topics/training/",
    "/topics/adherence/feed.rss",
    "/topics/training,empathy/feed.atom",
    "/topics/empathy+training/",
    "/research/meta-analyses/citations.bib",
    "/issues/2022-01/",
    "/issues/feed.json",
    "/corrections/feed.atom",
    "/archive/",
    "/feeds.opml?topic=training",
    "/subscribe?topic=training",
    "/oembed?url=x",
    "/sitemap.xml",
    "/site.css",
    "/healthz",
    "/stats",
    "#top",
]


def test_what_the_service_answers_is_no_dead_link(site):
    body = "".join(f"See [it]({typed}).\n" for typed in ALIVE)
    assert warned(site, body, PPRNET_BASE_URL="https://feeds.example.org") == []


def test_a_link_without_an_address_is_a_warning(site):
    assert warned(site, "See [it]().\n") == [
        "posts/a.md:6: warning: a link or picture has no address",
        "    Write its address between the round brackets.",
    ]


def test_a_bare_address_of_ours_that_leads_nowhere_is_a_warning(site):
    base = "https://feeds.example.org"
    body = f"One.\n\nSee {base}/nope/. `{base}/code/` [{base}/words/](https://a.example/) https://a.example/nope/\n"
    told = warned(site, body, PPRNET_BASE_URL=base)
    assert [line for line in told if "warning" in line] == [
        f"posts/a.md:8: warning: the link '{base}/nope/' leads nowhere"
    ]


def test_below_a_base_url_with_a_path_only_what_is_below_it_is_ours(site):
    base = "https://example.org/blog"
    body = "[a](/posts/nope/) [b](https://example.org/blog/nope/) [c](../nope/) [d](/blog/topics/training/)\n"
    told = warned(site, body, PPRNET_BASE_URL=base)
    assert [line.partition("warning: ")[2] for line in told[::2]] == [
        "the link '../nope/' leads nowhere",
        "the link 'https://example.org/blog/nope/' leads nowhere",
    ]


def test_a_suggestion_below_a_base_url_with_a_path_can_be_copied(site):
    base = "https://example.org/blog"
    told = warned(site, "[a](../2021-12-burnout/)\n[b](/blog/topics/depression/)\n", PPRNET_BASE_URL=base)
    assert told[1::2] == [
        "    Did you mean /blog/posts/2021-12-burnout-in-therapists/?",
        "    Did you mean /blog/topics/depression-and-depressive-symptoms/?",
    ]


def test_pictures_are_served_from_elsewhere(site):
    body = '![A chart](chart.png)\n\n<img src="/pictures/x.svg" alt="">\n\n![ok](https://example.org/x.png)\n'
    told = warned(site, body)
    assert told[0] == "posts/a.md:6: warning: the picture 'chart.png' leads nowhere"
    assert told[2] == "posts/a.md:8: warning: the picture '/pictures/x.svg' leads nowhere"
    assert len(told) == 4


def test_addresses_in_front_matter_are_looked_at_too(site):
    more = (
        "image: {url: https://feeds.example.org/x.png, alt: X}\n"
        "cites:\n  - text: A study.\n    url: https://feeds.example.org/posts/nope/"
    )
    post(site, "a", "Text.\n", more=more)
    told = check(site, PPRNET_BASE_URL="https://feeds.example.org")
    assert "posts/a.md:5: warning: the picture 'https://feeds.example.org/x.png' leads nowhere\n" in told
    assert "posts/a.md:8: warning: the link 'https://feeds.example.org/posts/nope/' leads nowhere\n" in told


def test_a_picture_of_a_post_that_is_below_our_own_address_is_looked_at_too(site):
    post(site, "a", "Text.\n", more="image: /pictures/x.png")
    assert check(site).startswith("posts/a.md:5: warning: the picture '/pictures/x.png' leads nowhere\n")


def test_for_a_month_that_there_is_not_no_post_is_offered(site):
    post(site, "2022-01-b", "Text.\n")
    assert warned(site, "[January](/issues/1922-01/)\n") == [
        "posts/a.md:6: warning: the link '/issues/1922-01/' leads nowhere",
        "    Take it out, or write an address that is there.",
    ]


def test_a_footnote_that_is_not_there_is_a_warning(site):
    body = "Text[^ok] and `[^code]` and \\[^escaped].\nMore\n[^nope] here.\n\n    [^block]\n\n[^ok]: Fine.\n"
    assert warned(site, body) == [
        "posts/a.md:8: warning: the mark '[^nope]' has no footnote",
        "    Add a line below that begins with [^nope]:.",
    ]


def test_a_footnote_that_is_there_is_none(site):
    assert warned(site, "Text[^1], [again][^1] [1][2] [sic].\n\n[^1]: Fine.\n") == []


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("[the study] (https://example.org/a)", "[the study] ("),
        ("![A chart](https://example.org/a.png", "![A chart]("),
        ("(the study)[https://example.org/a]", "(the study)["),
    ],
)
def test_a_link_with_a_slip_in_its_brackets_is_a_warning(site, typed, shown):
    assert warned(site, f"Text.\n\nSee {typed}\n") == [
        f"posts/a.md:8: warning: this is no link, and readers see it as typed: '{shown}'",
        "    Write [words](https://example.org/page), and %20 for each space in the address.",
    ]


@pytest.mark.parametrize("typed", ["Ek [3] (https://e.org/)", "[https://e.org/]", "(a) [b](https://e.org/)"])
def test_brackets_beside_a_link_are_text(site, typed):
    assert warned(site, f"See {typed}.\n") == []


@pytest.mark.parametrize("typed", ["C:\\Users\\Ann\\chart.png", "file:///home/ann/chart.png"])
def test_a_picture_on_an_editors_own_computer_is_to_be_put_on_the_web(site, typed):
    assert warned(site, f"![Chart]({typed})\n")[1] == (
        "    Put the picture on a web server and write its whole address, https://…."
    )


@pytest.mark.parametrize(
    "typed", ["![My chart](my chart.png)", "[the study](https://example.org/a b)", "[the study][smith]"]
)
def test_what_was_meant_as_a_link_and_is_shown_as_typed_is_a_warning(site, typed):
    told = warned(site, f"Text.\n\nSee {typed}.\n")
    assert told[0] == f"posts/a.md:8: warning: this is no link, and readers see it as typed: '{typed}'"


def test_a_fragment_that_leads_nowhere_within_the_post_is_a_warning(site):
    body = 'See [it](#nowhere), [that](#plce) and [this](#place).\n\n<p id="place">Here.</p>\n'
    assert warned(site, body) == [
        "posts/a.md:6: warning: '#nowhere' leads to nothing in this post",
        "    Take the link out, or link to a heading of this post.",
        "posts/a.md:6: warning: '#plce' leads to nothing in this post",
        "    Did you mean #place?",
    ]


def test_fragments_are_compared_as_browsers_read_them(site):
    body = '[a](#caf%C3%A9) [b](#café) [c](#top) [e][1] [^n]\n\n<p id="café"></p>\n\n[^n]: N.\n[1]: #café\n'
    assert warned(site, body) == []


def test_a_site_without_a_base_url_is_looked_at_too(site):
    settings = site / "feeds/site.yaml"
    settings.write_text(re.sub(r"(?m)^base_url:.*\n", "", settings.read_text("utf-8")), "utf-8")
    told = warned(site, "[a](/topics/nope/) [b](/topics/training/)\n")
    assert told[0] == "posts/a.md:6: warning: the link '/topics/nope/' leads nowhere"
    assert len(told) == 2


def test_a_link_to_a_post_that_readers_do_not_see_is_a_warning_unless_they_see_it_first(site):
    year = datetime.now(UTC).year + 1
    post(site, "b", "[a](/posts/a/) [c](/posts/c/) [d](/posts/d/)\n", more="draft: true")
    post(site, "c", "[a](/posts/a/) [b](/posts/b/) [d](/posts/d/)\n", date=f"{year}-01-01T00:00:00Z")
    post(site, "d", "[c](/posts/c/)\n", date=f"{year}-02-01T00:00:00Z")
    post(site, "a", "[b](/posts/b/)\n[c](../c/)\n")
    told = [line for line in check(site).split("\n") if "warning: " in line]
    assert told == [
        "posts/a.md:6: warning: '/posts/b/' leads to posts/b.md, which is a draft",
        f"posts/a.md:7: warning: '../c/' leads to posts/c.md, which readers see from {year}-01-01 00:00 UTC",
        "posts/c.md:6: warning: '/posts/b/' leads to posts/b.md, which is a draft",
        f"posts/c.md:6: warning: '/posts/d/' leads to posts/d.md, which readers see "
        f"from {year}-02-01 00:00 UTC",
    ]


def test_a_link_to_a_former_address_is_none_and_one_to_a_withdrawn_post_is_a_warning(site):
    post(site, "b", "Text.\n", more="aliases: [/old/b/]")
    post(site, "c", "Text.\n", more="status: withdrawn")
    told = warned(site, "[b](/old/b) [c](/posts/c/)\n")
    assert told == [
        "posts/a.md:6: warning: '/posts/c/' leads to a post that was withdrawn",
        "    Take the link out.",
    ]


def test_a_link_to_the_feed_of_a_month_is_dead_and_the_page_of_the_month_is_suggested(site):
    post(site, "b", "Text.\n", date="2022-03")
    assert warned(site, "[the feed](/issues/2022-03/feed.atom) of [March](/issues/2022-03/)\n") == [
        "posts/a.md:6: warning: the link '/issues/2022-03/feed.atom' leads nowhere",
        "    Did you mean /issues/2022-03/?",
    ]


def test_a_link_to_a_faulty_post_is_not_dead(site):
    post(site, "b", "Text.\n", date="2022-13")
    post(site, "a", "[b](/posts/b/)\n")
    assert "warning" not in check(site, code=1)


# Files in posts/ that are no posts


STRANGERS = [
    "2021/b.pdf", "CHART.JPG", "README", "a.MD", "a.Rmd", "a.docx", "a.html", "a.markdown", "a.mdx", "a.odt",
    "a.qmd", "a.rtf", "b.md.txt", "chart.png", "data.csv", "notes.txt",
]  # fmt: skip
LEFT_BEHIND = [
    ".DS_Store", ".notes.txt.swp", "notes.txt~", "#notes#", "~$notes.docx", "4913", "Thumbs.db", "a.md.bak",
]  # fmt: skip


def test_a_file_in_posts_that_is_no_post_is_a_warning_but_not_what_editors_leave_behind(site):
    (site / "posts/2021").mkdir()
    for name in (*STRANGERS, *LEFT_BEHIND):
        (site / "posts" / name).write_bytes(b"x")
    told = check(site)
    what, how = told.split("\n\n")[0].split("\n")[::2], told.split("\n\n")[0].split("\n")[1::2]
    assert [line.partition(": warning: ")[0] for line in what] == [f"posts/{name}" for name in STRANGERS]
    assert all(line.startswith("    ") for line in how)
    assert told.endswith("\n2 posts, 16 warnings in 16 files.\n")


def test_plan_reports_files_that_are_no_posts_too(site):
    (site / "posts/a.docx").write_bytes(b"x")
    assert "\nposts/a.docx: warning: this is " in invoke("plan", "--site", str(site)).stdout


# Topics in everyday words


EVERYDAY = [
    ("Depression", "depression-and-depressive-symptoms"),
    ("CBT", "cognitive-therapy-ct-and-cognitive-behavioural-therapy-cbt"),
    ("CBT-I", "cognitive-therapy-ct-and-cognitive-behavioural-therapy-cbt"),
    ("PTSD", "trauma-and-or-ptsd"),
    ("Trauma", "trauma-and-or-ptsd"),
    ("depresion", "depression-and-depressive-symptoms"),
    ("group therapy", "group-psychotherapy"),
    ("dropout", "attendance-attrition-and-drop-out"),
    ("suicidal", "suicide-and-crisis-intervention"),
    ("supervision", "training"),
    ("panic", "anxiety-disorders"),
    ("treatment of depression", "depression-and-depressive-symptoms"),
]


def test_check_suggests_the_topic_for_an_everyday_word(site):
    for number, (typed, _) in enumerate(EVERYDAY, 10):
        post(site, f"p{number}", "Text.\n")
        file = site / f"posts/p{number}.md"
        file.write_text(file.read_text("utf-8").replace("[training]", f"[{typed}]"), "utf-8")
    told = check(site, code=1).split("\n")
    for number, (typed, slug) in enumerate(EVERYDAY, 10):
        at = told.index(f"posts/p{number}.md:4: no topic is called '{typed}'")
        assert told[at + 1].startswith("    Did you mean '")
        assert re.findall(r"\(([a-z-]+)\)", told[at + 1])[0] == slug


@pytest.mark.parametrize(("typed", "slug"), EVERYDAY[2:8:2])
def test_new_suggests_the_same(site, typed, slug):
    done = invoke("new", "T", "--site", str(site), "--topic", typed)
    assert re.findall(r"Did you mean '[^']+' \(([a-z-]+)\)", done.stderr) == [slug]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("therapist factors, training", "[therapist-factors, training]"),
        ("Training; empathy", "[training, empathy]"),
        ("depression, CBT",
         "[depression-and-depressive-symptoms, cognitive-therapy-ct-and-cognitive-behavioural-therapy-cbt]"),
    ],
)  # fmt: skip
def test_several_topics_in_one_value_are_told_as_a_list(site, typed, meant):
    file = site / "posts/a.md"
    file.write_text(file.read_text("utf-8").replace("[training]", typed), "utf-8")
    assert f"    Write a list: {meant}.\n" in check(site, code=1)


def test_a_label_with_commas_is_one_topic_and_nonsense_gets_no_suggestion(site):
    file = site / "posts/a.md"
    text = file.read_text("utf-8")
    file.write_text(text.replace("[training]", "Attendance, Attrition, and Drop-Out"), "utf-8")
    assert check(site) == "2 posts, no problems\n"
    file.write_text(text.replace("[training]", "[xyzzy]"), "utf-8")
    assert "    Take one of those in feeds/topics.yaml, or add it there.\n" in check(site, code=1)


def test_an_import_suggests_topics_for_labels_that_are_none(site, tmp_path):
    moment = datetime.now(UTC) - timedelta(days=99)
    item = {
        "id": "x", "title": "X", "content_html": "<p>Text.</p>", "tags": ["PTSD"],
        "date_published": moment.isoformat(),
    }  # fmt: skip
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "F", "items": [item]}
    (site / "feed.json").write_text(json.dumps(feed))
    told = invoke("import", str(site / "feed.json"), "--site", str(site)).stdout
    assert "no topic or research type is called 'PTSD'" in told
    assert "Did you mean 'Trauma and/or PTSD' (trauma-and-or-ptsd)?" in told


# Texts that are not written to the end


@pytest.mark.parametrize(
    ("body", "line", "what", "mend"),
    [
        ("", 6, "no text is below '---'", "Write it; "),
        ("\n\n", 6, "no text is below '---'", "Write it; "),
        ("Text.\n\nPractice implications:\n", 8, "no text is below 'Practice implications:'", "Write it, or"),
        (
            "## Practice Implications\n\nThe study.\n\nPractice Implications\n\nRest.\n",
            10,
            "a second heading of the practice implications: 'Practice Implications'",
            "Keep one, above the whole text of that section.",
        ),
        (
            "The study.\n\n**Practice Implications**\n\nRest.\n\n## Practice Implications\n\nWalk.\n",
            12,
            "a second heading of the practice implications: '## Practice Implications'",
            "Keep one, above the whole text of that section.",
        ),
        (
            "Text. <!-- seen --> `<!--`\n\n<!-- ask Ann\n\nMore.\n",
            8,
            "a comment is never closed, so readers see it",
            "Write --> at its end.",
        ),
    ],
)
def test_a_text_that_is_not_written_to_its_end_is_a_warning(site, body, line, what, mend):
    where, fix = warned(site, body)[:2]
    assert where == f"posts/a.md:{line}: warning: {what}"
    assert fix.strip().startswith(mend)


def test_a_draft_or_a_withdrawn_post_needs_no_text(site):
    post(site, "b", "Text.\n\n## Practice Implications\n", "draft: true")
    post(site, "c", "", "status: withdrawn")
    assert "warning" not in check(site)


@pytest.mark.parametrize("body", ["```\n<!-- a\n```\n", "A `<!--` b.\n", "<!-- a\n\nb -->\nText.\n"])
def test_a_comment_that_is_closed_or_code_is_no_warning(site, body):
    assert warned(site, body) == []


# Posts that were published


def publish(site: Path) -> None:
    done = invoke("publish", "--site", str(site), PPRNET_BASE_URL="https://feeds.example.org")
    assert done.returncode == 0, done


def test_a_published_post_that_names_another_month_is_a_warning_and_stays_where_it_is(site):
    publish(site)
    post(site, "a", "Text.\n", date="2023-05-04")
    told = (
        "posts/a.md: warning: `date` names 2023-05, and the post was published in 2022-01, where it stays\n"
        "    Write `date: 2022-01` again; another post needs a file of its own.\n"
    )
    assert check(site) == f"{told}\n2 posts, 1 warning in 1 file.\n"
    assert invoke("plan", "--site", str(site)).stdout == (
        f"Subscribers will notice nothing.\n\n{told}\n1 warning in 1 file.\n"
    )
    post(site, "a", "Text.\n", date="2022-01-20")
    assert "warning" not in check(site)


def test_a_withdrawn_post_whose_file_is_gone_names_no_month(site):
    last_month = datetime.now(UTC).replace(day=1) - timedelta(days=3)
    post(site, "a", "Text.\n", date=f"{last_month:%Y-%m}")
    publish(site)
    post(site, "a", "Text.\n", "status: withdrawn", date=f"{last_month:%Y-%m}")
    publish(site)
    (site / "posts/a.md").unlink()
    assert "warning" not in check(site)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Ann Ek; Kim Lind", "Ann Ek; Kim Lind"),
        ('"Ek, A., & Lind, K."', "Ek, A., & Lind, K."),
        ("[Ek, A. B.]", "A. B."),
        ('["Ek, A. B.", "Kim Lind"]', ""),
        ("Ek, A. B.", ""),
        ("Centre for Rest & Walks", ""),
    ],
)
def test_several_people_in_one_name_are_a_warning(site, typed, name):
    post(site, "a", "Text.\n", f"authors: {typed}")
    told = f"posts/a.md:5: warning: `authors` has a name that is not the name of one person: '{name}'\n"
    assert (told in check(site)) is bool(name)


def test_curly_quotation_marks_are_a_warning_of_a_post_and_keep_no_site_from_its_readers(site):
    (site / "feeds/issues.yaml").write_text("2022-01: “This month rest”\n", "utf-8")
    post(site, "a", "Text.\n", "summary: “Rest helps.”")
    assert check(site) == (
        "posts/a.md:5: warning: curly quotation marks around a value: '“Rest helps.”'\n"
        '    Write straight ones (") around the whole value; curly ones are a part of it.\n'
        "\n2 posts, 1 warning in 1 file.\n"
    )
    done = invoke("letter", "2022-01", "--text", "--site", str(site), PPRNET_BASE_URL="https://e.example.org")
    assert (done.returncode, "“This month rest”" in done.stdout) == (0, True)


def test_the_doi_of_a_study_is_not_that_of_the_post(site):
    cites = 'cites: "Ek, A. (2020). Calm. Talk, 4, 7-19. https://doi.org/10.5555/calm"'
    post(site, "a", "Text.\n", f"doi: 10.5555/Calm\n{cites}")
    assert check(site).startswith(
        "posts/a.md:5: warning: `doi` is the DOI of a study in `cites`, and not of the post\n"
        "    Take it away here, or readers file the post as that study.\n"
    )
    post(site, "a", "Text.\n", f"doi: 10.5555/own\n{cites}")
    assert "warning" not in check(site)


@pytest.mark.parametrize("item", ["-Ek, A. (2020). Calm.", "•\tEk, A. (2020). Calm."])
def test_an_item_of_a_list_without_its_hyphen_and_space_is_a_warning(site, item):
    post(site, "a", "Text.\n", f"cites:\n  {item}")
    assert check(site).startswith(
        "posts/a.md:6: warning: a list item that does not begin with a hyphen and a space\n"
        "    Write it like this: - Ek, A. (2020). Calm.\n"
    )
