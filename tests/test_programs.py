"""What programs of other people read in our documents: each from its package, on every kind of document.

`./run judges` sets up those of npm, and commonmeta-py, whose libraries do not go with ours. The table in
docs/subscriber/feeds.md is what this test measures: a cell names the formats in which a program reads
that field as we mean it. Elsewhere a program has its limits, and the table shows them.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import sqlite3
import subprocess
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import bibtexparser
import feedparser
import jsonschema
import mf2py
import pytest
import reader
import rispy
from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
from citeproc.source.json import CiteProcJSON
from signposting import find_signposting_http_link

from cited import BASE, ORCID, make_site
from service import ROOT, Service, serving

pytestmark = pytest.mark.slow

JUDGES = ROOT / "tests/judges"
PAGE = ROOT / "docs/subscriber/feeds.md"
BEGIN, END = "<!-- programs: written by tests/test_programs.py -->\n", "<!-- end of programs -->\n"
FIELDS = ("title", "first date", "change date", "authors", "categories", "text", "picture", "id", "link")
OWN = "2021-09-own"
DOI = "10.59350/abcd-1"
CUT = "Ek, A., Lind, K.-B., Ott, P., ….Berg, O. (2021). Calm in trials: A review. World of Talk, 20, 387–396."
OTHER = "de Jong, K. (2018). Alone at home. Journal of Talk, 3(1), 12-14."
POSTS = {
    OWN: f"""\
title: "Why <3 & “care”: 5 > 4?"
date: 2021-09-14
updated: 2021-10-02
topics: [alliance]
doi: https://doi.org/10.59350/ABCD-1
status: corrected
note: A number was wrong.
image: {{url: /images/hedgehog.png, alt: A hedgehog, width: 640, height: 480}}
authors: [{{name: Cleo van Known, url: "https://example.org/cleo", orcid: {ORCID[18:]}}}, Bea Guest]
cites:
  - "{CUT} https://doi.org/10.5555/calm.20"
  - "{OTHER} https://doi.org/10.5555/alone"
""",
    "2021-05-hostile": """\
title: '<script>alert(1)</script> ]]> &amp; &lt;b&gt; "q" \U0001f994 \u202eabc'
date: 2021-05
topics: [sleep-and-rest]
""",
    "2021-04-withdrawn": """\
title: Withdrawn
date: 2021-04
topics: [alliance]
status: withdrawn
note: Wrong.
""",
}
# Every kind of feed: all, a topic, a combination, an archive, corrections, issues, views, an empty one.
FEEDS = [
    *("/feed", "/topics/alliance/feed", "/topics/alliance,sleep-and-rest/feed", "/archive/2020/feed"),
    *("/corrections/feed", "/issues/feed", "/summary", "/practice", "/citations", "/archive/feed"),
    "/topics/nothing-yet/feed",
]
FORMATS = {"atom": "Atom", "rss": "RSS", "json": "JSON"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = make_site(tmp_path_factory.mktemp("programs") / "site")
    for name, front in POSTS.items():
        text = f"---\n{front}---\nMost answered at once.\n\n## Practice Implications\n\nAsk.\n"
        (folder / f"posts/{name}.md").write_text(text, "utf-8")
    shutil.copy(ROOT / "src/pprnet_feeds/pages/static/apple-touch-icon.png", folder / "feeds/icon.png")
    publisher = 'publisher: {name: A University, ror: "https://ror.org/03c4mmv16", issn: 2049-3630}\n'
    with (folder / "feeds/site.yaml").open("a") as settings:
        settings.write(publisher + 'icon: icon.png\nlogo: icon.png\naccent: "#CC3366"\n')
    with serving(folder) as service:
        yield service


@pytest.fixture(scope="module")
def files(service: Service, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The documents by their path."""
    folder, found = tmp_path_factory.mktemp("documents"), {}
    for path in (f"{feed}.{form}" for feed in FEEDS for form in FORMATS):
        answer = service.ask(path)
        assert answer.status == 200, path
        found[path] = folder / path[1:].replace("/", "-")
        found[path].write_bytes(answer.body)
    return found


Items = list[dict[str, Any]]


def need(tool: str) -> str:
    path = shutil.which(tool)
    if path is None:
        pytest.fail(f"{tool} is missing") if os.environ.get("CI") else pytest.skip(f"{tool} is missing")
    return path


def output(*words: object) -> Any:
    done = subprocess.run([*map(str, words)], capture_output=True, check=True, timeout=120)
    return json.loads(done.stdout)


def node(files: dict[str, Path]) -> dict[str, dict[str, Items | str]]:
    if not (JUDGES / "node_modules").exists():
        missing = "there are no programs of npm (./run judges)"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    read = output(need("node"), JUDGES / "read.mjs", *files.values())
    return {name: {path: its[str(file)] for path, file in files.items()} for name, its in read.items()}


def script(program: str, name: str, files: dict[str, Path]) -> dict[str, Items | str]:
    read = output(need(program), JUDGES / name, *files.values())
    return {path: read[str(file)] for path, file in files.items()}


def newsboat(files: dict[str, Path]) -> dict[str, Items | str]:
    def read(file: Path) -> Items | str:
        cache = file.with_name(f"{file.name}.db")
        urls = file.with_name(f"{file.name}.urls")
        urls.write_text(f"file://{file}\n")
        words = [need("newsboat"), "-u", urls, "-c", cache, "-x", "reload"]
        subprocess.run(words, check=True, timeout=60, env={**os.environ, "HOME": str(file.parent)})
        with closing(sqlite3.connect(cache)) as connection:
            columns = "guid, title, author, url, pubDate, content"
            rows = connection.execute(f"SELECT {columns} FROM rss_item ORDER BY id").fetchall()
        return [
            {
                "id": id, "title": title, "authors": [author], "link": url, "text": text,
                "published": datetime.fromtimestamp(int(date), UTC).isoformat(),
            }
            for id, title, author, url, date, text in rows
        ] or "no items"  # fmt: skip

    with ThreadPoolExecutor(8) as pool:  # it mostly waits
        return dict(zip(files, pool.map(read, files.values()), strict=True))


def python_feedparser(files: dict[str, Path]) -> dict[str, Items | str]:
    found: dict[str, Items | str] = {}
    for path, file in files.items():
        parsed = feedparser.parse(file.read_bytes())
        found[path] = [
            {
                "title": entry.title,
                "published": entry.get("published"), "updated": dict.get(entry, "updated"),
                "authors": [author.name for author in entry.get("authors", []) if "name" in author],
                "categories": [tag.label or tag.term for tag in entry.get("tags", [])],
                "text": entry.content[0].value if "content" in entry else entry.summary,
                "picture": entry.media_content[0]["url"] if "media_content" in entry else None,
                "id": entry.id, "link": entry.link,
            }
            for entry in parsed.entries
        ]  # fmt: skip
        if path.endswith(".json"):
            found[path] = "no JSON"
        else:
            assert not parsed.bozo, (path, parsed.get("bozo_exception"))
    return found


def python_reader(files: dict[str, Path]) -> dict[str, Items | str]:
    found: dict[str, Items | str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its copy of feedparser is old
        for path, file in files.items():
            with closing(reader.make_reader(":memory:", feed_root=str(file.parent))) as ours:
                ours.add_feed(file.name)
                ours.update_feed(file.name)
                found[path] = [
                    {
                        "title": entry.title, "published": entry.published and entry.published.isoformat(),
                        "updated": entry.updated and entry.updated.isoformat(),
                        "authors": [entry.author], "text": entry.get_content() and entry.get_content().value,
                        "id": entry.id, "link": entry.link, "categories": [],
                    }
                    for entry in ours.get_entries()
                ]  # fmt: skip
    return found


def page_reader(service: Service, folder: Path) -> dict[str, Any]:
    """What commonmeta-py makes of the page of the post."""
    python = ROOT / ".venv-judges/bin/python"
    if not python.exists():
        missing = "there is no .venv-judges with commonmeta-py (./run judges)"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    (folder / "page.html").write_bytes(service.ask(f"/posts/{OWN}/").body)
    return output(python, JUDGES / "read_page.py", folder / "page.html", f"{BASE}/posts/{OWN}/")


def entry_of_page(found: dict[str, Any]) -> dict[str, Any]:
    people = [person["person"] for person in found["contributors"]]
    return {
        "title": found["title"], "published": found["date_published"], "updated": found["date_updated"],
        "authors": [f"{person['given_name']} {person['family_name']}" for person in people],
        "categories": [subject["subject"] for subject in found["subjects"]],
        "text": found.get("content"), "picture": found["image"], "id": found["id"], "link": found["url"],
    }  # fmt: skip


@pytest.fixture(scope="module")
def readings(files: dict[str, Path]) -> dict[str, dict[str, Items | str]]:
    """What each program makes of each document; a sentence where it reads none."""
    return {
        "feedparser (Python)": python_feedparser(files),
        "reader (Python)": python_reader(files),
        **node(files),
        "SimplePie (WordPress)": script("php", "read.php", files),
        "XML::Feed (Perl)": script("perl", "read.pl", files),
        "newsboat": newsboat(files),
    }


def moment(value: object) -> datetime | None:
    if not value:
        return None
    text = str(value)
    return datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)


def words(text: object) -> str:
    return " ".join(re.sub("<[^>]*>", " ", html.unescape(str(text))).split())


def matches(item: dict[str, Any], ours: dict[str, Any]) -> dict[str, bool]:
    """Whether a program reads each field of an entry as we mean it."""
    categories = {label.casefold() for label in ours["tags"]}
    return {
        "title": ours["title"] in read_titles(item),
        "first date": moment(item.get("published")) == moment(ours["date_published"]),
        "change date": moment(item.get("updated")) == moment(ours["date_modified"]),
        "authors": item.get("authors") == [author["name"] for author in ours["authors"]],
        "categories": {str(label).casefold() for label in item.get("categories") or ()} == categories,
        "text": words(item.get("text")) == words(ours["content_html"]),
        "picture": (item.get("picture") or "").removesuffix("?#") == ours["image"],
        "id": item.get("id") == ours["id"],
        "link": item.get("link") == ours["url"],
    }


def items_of(files: dict[str, Path], path: str) -> Items:
    items: Items = json.loads(files[f"{path}.json"].read_bytes())["items"]
    return items


def own(items: Items) -> dict[str, Any]:
    return next(item for item in items if str(item["id"]).endswith(f"/{OWN}"))


def test_every_program_reads_every_entry_of_every_kind_of_document(
    files: dict[str, Path], readings: dict[str, dict[str, Items | str]]
):
    unread = {
        (program, path, found if isinstance(found, str) else f"{len(found)} of {len(ids)}")
        for program, its in readings.items()
        for path, found in its.items()
        if (ids := {item["id"] for item in items_of(files, path.rpartition(".")[0])}) or True
        if not (isinstance(found, list) and {item["id"] for item in found} == ids)
        # What a program does not take at all: JSON, and for newsboat and XML::Feed a feed without entries.
        if not (path.endswith(".json") and isinstance(found, str))
        if not (isinstance(found, str) and not ids)
    }
    assert unread == set()


def test_titles_are_read_as_they_were_typed_however_hostile(
    files: dict[str, Path], readings: dict[str, dict[str, Items | str]]
):
    misread = set()
    for program, its in readings.items():
        for path, found in its.items():
            feed, _, form = path.rpartition(".")
            titles = {item["id"]: item["title"] for item in items_of(files, feed)}
            for item in found if isinstance(found, list) else ():
                if not any(title == titles[item["id"]] for title in read_titles(item)):
                    misread.add((program, form))
    # The one takes away what looks like a tag in a title of Atom; the other reads its `&amp;` once too often.
    assert misread == {("feedparser (npm)", "atom"), ("@rowanmanning/feed-parser", "atom")}


def read_titles(item: dict[str, Any]) -> Iterator[str]:
    """A title as it was read, and as a page shows it where a program gives HTML."""
    title = item["title"] or ""
    for _ in range(3):
        yield title
        title = html.unescape(title)


def test_the_table_of_programs_is_what_they_read(
    service: Service,
    files: dict[str, Path],
    readings: dict[str, dict[str, Items | str]],
    tmp_path: Path,
    request: pytest.FixtureRequest,
):
    ours = own(items_of(files, "/feed"))
    readers = {
        program: {
            name: own(items)
            for form, name in FORMATS.items()
            if isinstance(items := its[f"/feed.{form}"], list)
        }
        for program, its in readings.items()
    }
    readers["commonmeta-py (Rogue Scholar)"] = {"the page": entry_of_page(page_reader(service, tmp_path))}
    rows = []
    for program, found in readers.items():
        read = {name: matches(item, ours) for name, item in found.items()}
        cells = []
        for field in FIELDS:
            right = [name for name, fields in read.items() if fields[field]]
            cells.append("yes" if len(right) == len(read) else ", ".join(right) or "–")
        rows.append(" | ".join([program, ", ".join(read), *cells]))
    heads = ["program", "reads", *FIELDS]
    lines = [" | ".join(heads), "|".join("---" for _ in heads), *rows]
    table = "".join(f"| {line} |\n" if "---" not in line else f"|{line}|\n" for line in lines)
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    held, _, after = rest.partition(END)
    if request.config.getoption("--rewrite-golden"):
        PAGE.write_text(before + BEGIN + table + END + after, "utf-8")
    else:
        assert held == table


def test_the_schema_of_json_feed_finds_only_the_list_that_importers_want(files: dict[str, Path]):
    schema = json.loads((JUDGES / "node_modules/jsonfeed-schema/schema-v1.1.json").read_text("utf-8"))
    validator = jsonschema.Draft7Validator(schema)
    for path, file in files.items():
        if path.endswith(".json"):
            errors = [list(error.path)[2:] for error in validator.iter_errors(json.loads(file.read_bytes()))]
            assert all(error == ["_references"] for error in errors), (path, errors)


def test_rogue_scholars_library_makes_of_the_page_what_the_post_is(service: Service, tmp_path: Path):
    found = page_reader(service, tmp_path)
    assert found["is_valid"] is True
    assert (found["type"], found["id"], found["title"]) == (
        *("BlogPost", f"{BASE}/posts/{OWN}/"),
        "Why <3 & “care”: 5 > 4?",
    )
    assert (found["date_published"], found["date_updated"]) == (
        "2021-09-14T16:00:00Z",
        "2021-10-02T16:00:00Z",
    )
    people = [person["person"] for person in found["contributors"]]
    assert people == [
        {"id": ORCID, "given_name": "Cleo van", "family_name": "Known"},
        {"given_name": "Bea", "family_name": "Guest"},
    ]
    assert found["publisher"] == {"id": "https://ror.org/03c4mmv16", "name": "A University"}
    assert found["container"]["identifiers"] == [{"identifier": "2049-3630", "identifier_type": "ISSN"}]
    assert found["relations"] == [{"id": f"https://doi.org/{DOI}", "type": "IsIdenticalTo"}]
    assert found["references"] == [
        {"id": "https://doi.org/10.5555/calm.20", "reference": "Calm in trials: A review"},
        {"id": "https://doi.org/10.5555/alone", "reference": "Alone at home"},
    ]
    assert found["license"]["id"] == "CC-BY-4.0"


def test_the_header_of_a_post_leads_programs_to_its_doi_authors_licence_and_metadata(service: Service):
    answer = service.ask(f"/posts/{OWN}/")
    assert len(answer.headers["link"]) < 2500
    found = find_signposting_http_link([answer.headers["link"]], f"{BASE}/posts/{OWN}/")
    file = f"{BASE}/posts/{OWN}"
    assert str(found.citeAs.target) == f"https://doi.org/{DOI}"
    assert {str(link.target) for link in found.authors} == {ORCID}
    assert {(str(link.target), link.type) for link in found.describedBy} == {
        (f"{file}.bib", "application/x-bibtex"),
        (f"{file}.ris", "application/x-research-info-systems"),
        (f"{file}.csl.json", "application/vnd.citationstyles.csl+json"),
    }
    assert str(found.license.target) == "https://creativecommons.org/licenses/by/4.0/"
    assert {str(link.target) for link in found.types} == {
        "https://schema.org/BlogPosting",
        "https://schema.org/AboutPage",
    }


def test_the_pages_are_entries_and_feeds_of_microformats(service: Service):
    url = f"{BASE}/posts/{OWN}/"
    (entry,) = mf2py.parse(doc=service.ask(f"/posts/{OWN}/").body.decode(), url=url)["items"]
    said = entry["properties"]
    assert entry["type"] == ["h-entry"]
    assert (said["name"], said["url"]) == (["Why <3 & “care”: 5 > 4?"], [url])
    assert (said["published"], said["updated"]) == (["2021-09-14T16:00:00Z"], ["2021-10-02T16:00:00Z"])
    assert [author["properties"]["name"][0] for author in said["author"]] == ["Cleo van Known", "Bea Guest"]
    assert said["author"][0]["properties"]["url"] == ["https://example.org/cleo"]
    assert said["photo"] == [f"{BASE}/images/hedgehog.png"]
    assert said["category"] == ["Alliance", "Corrected"]
    assert "Most answered at once." in said["content"][0]["value"]
    assert "Ask." in said["content"][0]["value"]
    for path in ("/", "/topics/alliance/", "/archive/"):
        items = mf2py.parse(doc=service.ask(path).body.decode(), url=BASE + path)["items"]
        (feed,) = [item for item in items if item["type"] == ["h-feed"]]
        urls = [entry["properties"]["url"][0] for entry in feed["children"]]
        assert urls[0] == url, path


def apa(item: dict[str, Any]) -> str:
    """An item of CSL-JSON through citeproc-py, in the style of Harvard: the one that it brings."""
    source = CiteProcJSON([item])
    style = CitationStylesStyle("harvard-cite-them-right", validate=False)
    bibliography = CitationStylesBibliography(style, source, formatter.plain)
    bibliography.register(Citation([CitationItem(item["id"])]))
    return str(bibliography.bibliography()[0])


def test_reference_managers_read_the_post_as_a_work_of_its_own(service: Service):
    (item,) = json.loads(service.ask(f"/posts/{OWN}.csl.json").body)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not know every variable
        printed = apa(item)
    assert "van Known, C." in printed
    assert "2021" in printed
    (record,) = rispy.loads(service.ask(f"/posts/{OWN}.ris").body.decode(), newline="\r\n")
    assert (record["type_of_reference"], record["title"], record["doi"]) == (
        "BLOG",
        "Why <3 & “care”: 5 > 4?",
        DOI,
    )
    assert record["authors"] == ["van Known, Cleo", "Guest, Bea"]
    (entry,) = bibtexparser.parse_string(service.ask(f"/posts/{OWN}.bib").body.decode()).entries
    assert (entry["author"], entry["doi"], entry["url"]) == (
        *("van Known, Cleo and Guest, Bea", DOI),
        f"{BASE}/posts/{OWN}/",
    )
    studies = bibtexparser.parse_string(service.ask(f"/posts/{OWN}.studies.bib").body.decode()).entries
    assert [study["doi"] for study in studies] == ["10.5555/calm.20", "10.5555/alone"]
