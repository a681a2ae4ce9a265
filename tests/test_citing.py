"""A post as a work of its own, the face of a site, and all posts in one document, over a real socket."""

from __future__ import annotations

import json
import re
import shutil
import struct
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cited import BASE, BLOG, make_site
from htmlpage import HtmlPage
from many import make_site as make_many
from pprnet_feeds.content.site import read_site
from pprnet_feeds.pages.branding import accent_css
from pprnet_feeds.serving.response import Reply
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore
from service import SITES, Service, command, serving
from test_zotero import zotero

OWN = "/posts/2021-09-own"
POST = """\
---
title: "Calm, and why?"
date: 2021-09
topics: [alliance]
doi: doi:10.5555/Blog.9
language: fr-CA
status: retracted
note: The sums were wrong.
aliases: [/blog/calm/]
authors: [{name: "Dr. Cleo van Known", orcid: 0000-0002-1825-0097}, "Jean-Luc Lind Jr.", Care Group]
cites: ["de Jong, K. (2018). Alone. Journal of Talk, 3(1), 12-14. https://doi.org/10.5555/alone"]
---
They asked.
"""
# Names as people sign: with degrees, in reverse, of groups, or two in one.
ODD = "10.5555/a#b?c%d[é]"
NAMED = f"""\
title: Signed
date: 2021-10
topics: [alliance]
language: de
authors: ["Jane Doe, MSW, RN", "Max King, Jr.", "Ní Bhriain, Áine", 
  "Department of Psychology, University of Ottawa", Editors of the Blog, Ada Low and Bea Ray, "de Jong, KB"]
doi: "{ODD}"
cites:
- text: "Ek, A. (2018). Calm. Journal of Talk, 3, 12."
  doi: 10.5555/100%#1
  notice: {{kind: concern, date: 2024-03}}
"""
TWO = """\
title: Two
date: 2021-11
topics: [alliance]
status: corrected
note: Mended.
cites:
  - {text: "Ek, A. (2018). Bad.", title: Bad, notice: {kind: retraction}}
  - {text: "Ek, A. (2019). Good.", title: Good}
"""
SIGNED = (
    "Doe, J., King, M., Jr., Ní Bhriain, Á., Department of Psychology, University of Ottawa, "
    "Editors of the Blog, Ada Low and Bea Ray, & de Jong, K. B. (2021, October). Signed. "
)
REFERENCE = "van Known, C., Lind, J.-L., Jr., & Care Group. (2021, September). Calm, and why? {}. {}"


def png(width: int, height: int) -> bytes:
    """A black picture."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 1) * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = make_site(tmp_path_factory.mktemp("citing") / "site")
    (folder / "posts/2021-09-own.md").write_text(POST, "utf-8")
    (folder / "posts/2021-10-named.md").write_text(f"---\n{NAMED}---\nThey asked.\n", "utf-8")
    (folder / "posts/2021-11-two.md").write_text(f"---\n{TWO}---\nThey asked.\n", "utf-8")
    (folder / "feeds/face.png").write_bytes(png(64, 64))
    (folder / "feeds/wide.png").write_bytes(png(200, 40))
    with (folder / "feeds/site.yaml").open("a") as settings:
        settings.write('icon: face.png\nlogo: wide.png\naccent: "#FFDD00"\n')
        settings.write("publisher: {name: A University, ror: 03c4mmv16, issn: 20493630}\n")
    with serving(folder) as service:
        yield service


def test_the_files_beside_a_post_say_how_to_cite_it(service: Service):
    (item,) = json.loads(service.ask(f"{OWN}.csl.json").body)
    assert item == {
        "id": "2021-09-own",
        "type": "post-weblog",
        "author": [
            {"family": "van Known", "given": "Cleo"},
            {"family": "Lind", "given": "Jean-Luc", "suffix": "Jr."},
            {"literal": "Care Group"},
        ],
        "issued": {"date-parts": [[2021, 9]]},
        "title": "Calm, and why?",
        "container-title": "A Small Research Blog",
        "publisher": "A University",
        "DOI": "10.5555/blog.9",
        "URL": f"{BASE}{OWN}/",
        "note": "Retracted. The sums were wrong.",
        "language": "fr-CA",
        "ISSN": "2049-3630",
    }
    assert b"Alone" not in service.ask(f"{OWN}.bib").body + service.ask(f"{OWN}.ris").body


@pytest.mark.parametrize("form", ["bib", "ris", "csl.json"])
def test_the_studies_have_files_of_their_own_and_neither_leads_to_the_other(service: Service, form: str):
    studies, post = service.ask(f"{OWN}.studies.{form}"), service.ask(f"{OWN}.{form}")
    assert (studies.status, post.status) == (200, 200)
    assert b"Alone" in studies.body
    assert b"Calm, and why?" not in studies.body
    moved = service.ask(f"/blog/calm.studies.{form}")
    assert (moved.status, moved.headers["location"]) == (301, f"{BASE}{OWN}.studies.{form}")


def test_the_page_shows_how_to_cite_the_post_apart_from_the_study(service: Service):
    page = HtmlPage(service.ask(f"{OWN}/").body)
    assert REFERENCE.format("A Small Research Blog", "https://doi.org/10.5555/blog.9") in page.words
    assert page.words.index("The study") < page.words.index("Cite this post")
    assert {f"{OWN}{end}" for end in (".bib", ".ris", ".csl.json", ".studies.bib")} <= {
        held["href"] for held in page.all("a")
    }
    assert {"type": "button", "class": "copy", "hidden": ""} in page.all("button")
    assert [held["lang"] for held in page.all("article")] == ["fr-CA"]
    assert page.contents(property="og:title") == ["Calm, and why?"]
    assert page.contents(property="og:image") == [f"{BASE}/apple-touch-icon.png"]
    assert page.contents(property="og:image:width") == ["64"]
    assert page.contents(name="citation_doi") == ["10.5555/blog.9"]
    assert page.contents(name="citation_issn") == ["2049-3630"]


def test_a_page_dates_the_post_as_it_is_cited_however_late_it_went_out(tmp_path: Path):
    folder = make_site(tmp_path / "site")
    recent = datetime.now(UTC) - timedelta(days=31)
    dates = {"late": f"{recent:%Y-%m}", "exact": f"{recent:%Y-%m-%d}", "old": "2015-03"}
    for name, date in dates.items():
        text = f"---\ntitle: {name}\ndate: {date}\ntopics: [alliance]\n---\nThey asked.\n"
        (folder / f"posts/{name}.md").write_text(text)
    assert command("publish", cwd=folder).returncode == 0
    with serving(folder) as service:
        for name, date in dates.items():
            (item,) = json.loads(service.ask(f"/posts/{name}.csl.json").body)
            (tagged,) = HtmlPage(service.ask(f"/posts/{name}/").body).contents(
                name="citation_publication_date"
            )
            assert tagged == date.replace("-", "/")
            assert item["issued"]["date-parts"] == [[int(part) for part in date.split("-")]]


def test_names_are_cited_without_degrees_and_groups_as_they_are(service: Service):
    page = HtmlPage(service.ask("/posts/2021-10-named/").body)
    assert SIGNED in page.words
    assert page.contents(name="citation_author") == [
        *(
            "Doe, Jane",
            "King, Max, Jr.",
            "Ní Bhriain, Áine",
            "Department of Psychology, University of Ottawa",
        ),
        *("Editors of the Blog", "Ada Low and Bea Ray", "de Jong, KB"),
    ]
    (item,) = json.loads(service.ask("/posts/2021-10-named.csl.json").body)
    assert [author.get("literal", author.get("given")) for author in item["author"]] == [
        *("Jane", "Max", "Áine", "Department of Psychology, University of Ottawa"),
        *("Editors of the Blog", "Ada Low and Bea Ray", "KB"),
    ]


def test_the_address_of_a_doi_with_any_signs_leads_to_it(service: Service):
    answer = service.ask("/posts/2021-10-named/")
    address = "https://doi.org/10.5555/a%23b%3Fc%25d[%C3%A9]"
    assert f'<{address}>; rel="cite-as"' in answer.headers["link"]
    page = HtmlPage(answer.body)
    assert f"{SIGNED}A Small Research Blog. {address}" in page.words
    assert page.all("a", href="https://doi.org/10.5555/100%25%231")
    (item,) = json.loads(service.ask("/posts/2021-10-named.csl.json").body)
    assert item["DOI"] == ODD


def test_a_notice_in_our_words_is_english_whatever_the_language_of_the_post(service: Service):
    page = HtmlPage(service.ask("/posts/2021-10-named/").body)
    assert "expression of concern in March 2024" in page.words
    note = page.elements.index(("p", {"class": "note", "role": "note"}))
    assert page.elements[note - 1] == ("div", {"lang": "en"})


def test_json_ld_names_doi_publisher_and_retraction(service: Service):
    body = service.ask(f"{OWN}/").body.decode()
    told = json.loads(body.partition('ld+json">')[2].partition("</script>")[0])
    doi, ror = "https://doi.org/10.5555/blog.9", "https://ror.org/03c4mmv16"
    assert (told["identifier"], told["sameAs"], told["creativeWorkStatus"]) == (doi, doi, "Retracted")
    assert told["publisher"] == {
        "@type": "Organization", "@id": ror, "name": "A University", "url": f"{BASE}/", "identifier": ror
    }  # fmt: skip
    assert told["isPartOf"]["issn"] == "2049-3630"
    assert told["inLanguage"] == "fr-CA"
    assert [author["@type"] for author in told["author"]] == ["Person", "Person", "Organization"]


@pytest.mark.parametrize("form", ["atom", "rss"])
def test_an_entry_has_the_posts_own_doi_and_language_and_a_study_its_own(service: Service, form: str):
    entry = service.ask(f"/feed.{form}").body.decode().partition("2021-09-own")[2].partition("2021-08-")[0]
    assert "<dc:identifier>doi:10.5555/blog.9</dc:identifier>" in entry
    assert "<prism:doi>10.5555/blog.9</prism:doi>" in entry
    assert re.search(
        '<entry xml:lang="fr-CA">|<dc:language>fr-CA<', service.ask(f"/feed.{form}").body.decode()
    )
    studies = service.ask(f"/citations.{form}").body
    assert b"blog.9" not in studies
    assert b"fr-CA" not in studies


@pytest.mark.parametrize("form", ["atom", "rss"])
def test_zotero_files_the_post_under_its_own_doi_and_the_study_under_the_studys(service: Service, form: str):
    for path in ("/feed", "/summary", "/topics/alliance/feed", "/corrections/feed", "/archive/feed"):
        items = {item["link"]: item for item in zotero(service.ask(f"{path}.{form}").body)}
        post = items.pop(f"{BASE}{OWN}/")
        assert (post["doi"], post["publication"]) == ("10.5555/blog.9", BLOG)
        assert {item["doi"] for item in items.values()} <= {"", ODD}
    studies = {item["link"]: item["doi"] for item in zotero(service.ask(f"/citations.{form}").body)}
    assert studies["https://doi.org/10.5555/alone"] == "10.5555/alone"
    assert "10.5555/blog.9" not in studies.values()


def test_json_has_references_as_a_list_except_where_the_item_is_the_study(service: Service):
    items = json.loads(service.ask("/feed.json").body)["items"]
    (post,) = [item for item in items if item["url"] == f"{BASE}{OWN}/"]
    text = "de Jong, K. (2018). Alone. Journal of Talk, 3(1), 12-14. https://doi.org/10.5555/alone"
    assert post["_references"] == [{"url": "https://doi.org/10.5555/alone", "reference": text}]
    assert post["language"] == "fr-CA"
    studies = json.loads(service.ask("/citations.json").body)["items"]
    assert not any("_references" in item or "language" in item for item in studies)


def test_every_post_is_in_one_document_that_no_page_announces(service: Service):
    everything = json.loads(service.ask("/archive/feed.json").body)
    listed = json.loads(service.ask("/feeds.json").body)
    assert everything["_feed"]["complete"] is True
    assert "hubs" not in everything
    pages = json.loads(service.ask("/feed.json").body)
    urls = {item["url"] for item in pages["items"]}
    while "next_url" in pages:
        pages = json.loads(service.ask(pages["next_url"].removeprefix(BASE)).body)
        urls |= {item["url"] for item in pages["items"]}
    assert {item["url"] for item in everything["items"]} == urls
    assert [one["addresses"]["feed"]["atom"] for one in listed["series"]][-1] == f"{BASE}/archive/feed.atom"
    for path in ("/", "/archive/", "/feeds.opml", f"{OWN}/"):
        assert b"archive/feed." not in service.ask(path).body
    assert [service.ask(path).status for path in ("/archive/feed", "/archive/feed.bib")] == [404, 404]


def test_above_a_thousand_posts_only_a_build_has_every_post_in_one_document(tmp_path: Path):
    snapshot = build(
        Settings(make_many(tmp_path / "site", 1001)), {}, datetime(2100, 1, 1, tzinfo=UTC), TimestampStore()
    )
    assert isinstance(snapshot, Snapshot)
    copy = Snapshot(snapshot.library, snapshot.known, is_static=True)
    paths = {f"/archive/feed.{form}" for form in ("atom", "rss", "json")}
    for path in paths:
        answer = snapshot.respond(path)
        assert isinstance(answer, Reply)
        assert answer.status == 404
    assert paths.isdisjoint(snapshot.paths())
    assert paths < {*copy.paths()}
    bodies = [found.content.body for found in map(copy.find, ("/archive/feed.json", "/feeds.json")) if found]
    assert len(json.loads(bodies[0])["items"]) == 1001
    assert b"/archive/feed." in bodies[1]
    listed = snapshot.find("/feeds.json")
    assert listed is not None
    assert b"/archive/feed." not in listed.content.body


def test_a_chosen_icon_is_the_icon_everywhere(service: Service):
    face = png(64, 64)
    ico = service.ask("/favicon.ico")
    assert ico.headers["content-type"] == "image/vnd.microsoft.icon"
    assert struct.unpack("<3H4B2H2I", ico.body[:22]) == (0, 1, 1, 64, 64, 0, 0, 1, 32, len(face), 22)
    assert ico.body[22:] == face
    touch, logo, svg = map(service.ask, ("/apple-touch-icon.png", "/logo.png", "/icon.svg"))
    assert (touch.headers["content-type"], touch.body) == ("image/png", face)
    assert (logo.headers["content-type"], logo.body) == ("image/png", png(200, 40))
    assert svg.headers["content-type"] == "image/svg+xml"
    assert svg.body.startswith(b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">')
    links = {held["href"] for held in HtmlPage(service.ask("/").body).all("link")}
    assert {"/favicon.ico", "/icon.svg", "/apple-touch-icon.png"} <= links
    icon, wide = f"{BASE}/apple-touch-icon.png", f"{BASE}/logo.png"
    assert f"<icon>{icon}</icon>\n  <logo>{wide}</logo>" in service.ask("/feed.atom").body.decode()
    rss = service.ask("/feed.rss").body.decode()
    assert f"<url>{wide}</url>" in rss
    assert f"<webfeeds:icon>{icon}</webfeeds:icon>" in rss
    assert f"<webfeeds:logo>{wide}</webfeeds:logo>" in rss
    assert "<webfeeds:accentColor>ffdd00</webfeeds:accentColor>" in rss
    feed = json.loads(service.ask("/feed.json").body)
    assert (feed["icon"], feed["favicon"]) == (icon, f"{BASE}/favicon.ico")


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("accent", ["#ffdd00", "#000000", "#ffffff", "#777777", "#0000ff", "#0b5f6f"])
def test_any_accent_can_be_read_on_every_ground_of_the_pages(service: Service, accent: str):
    css = service.ask("/site.css").body
    assert css.endswith(accent_css("#ffdd00"))
    light, dark = re.findall("#[0-9a-f]{6}", accent_css(accent).decode())
    grounds = re.findall("--(?:ground|raised|practice|note): (#[0-9a-f]+)", css.decode())
    full = [
        ground if len(ground) == 7 else "#" + "".join(2 * sign for sign in ground[1:]) for ground in grounds
    ]
    assert len(full) == 8
    assert min(contrast(light, ground) for ground in (*full[:4], "#ffffff")) >= 4.5
    assert min(contrast(dark, ground) for ground in (*full[4:], "#10242a")) >= 4.5


@pytest.mark.parametrize(
    ("line", "data", "what"),
    [
        ("icon: face.jpg", b"", "`icon` is not the name of a PNG file: 'face.jpg'"),
        ("icon: ../face.png", b"", "`icon` is not the name of a PNG file: '../face.png'"),
        ("icon: other.png", b"", "`icon` cannot be read: "),
        ("icon: face.png", b"GIF89a", "`icon` is not a whole PNG: 'face.png'"),
        ("icon: face.png", png(64, 64)[:-20], "`icon` is not a whole PNG: 'face.png'"),
        ("icon: face.png", png(64, 32), "`icon` is not square: 64 by 32 pixels"),
        ("logo: face.png", png(64, 2), "`logo` is 64 by 2 pixels; each side must have 16 to 2048"),
        (
            "icon: face.png",
            png(64, 64) + bytes(600_000),
            "`icon` cannot be read: the file is larger than 0.5 MB",
        ),
        ("accent: #cc3366", b"", "`accent` is not a colour: ''"),
        ("accent: red", b"", "`accent` is not a colour: 'red'"),
        ("publisher: {ror: 03c4mmv17}", b"", "`publisher.ror` is no identifier of ROR: '03c4mmv17'"),
        ("publisher: {issn: 2049-3631}", b"", "`publisher.issn` is not an ISSN: '2049-3631'"),
    ],
)
def test_a_fault_in_the_face_or_the_publisher_is_reported(tmp_path: Path, line: str, data: bytes, what: str):
    site = shutil.copytree(SITES / "small", tmp_path / "site")
    (site / "feeds/face.png").write_bytes(data)
    settings = site / "feeds/site.yaml"
    settings.write_text(settings.read_text() + line + "\n")
    (problem,) = read_site(site, {})[1]
    assert problem.place.startswith(f"feeds/site.yaml:{len(settings.read_text().splitlines())}")
    assert problem.what.startswith(what)
    assert problem.mend


def test_a_face_and_a_publisher_show_subscribers_nothing_again(tmp_path: Path):
    site = shutil.copytree(SITES / "first-ledger", tmp_path / "site")
    (site / "feeds/face.png").write_bytes(png(64, 64))
    with (site / "feeds/site.yaml").open("a") as settings:
        settings.write("icon: face.png\naccent: '#0b5f6f'\npublisher: {issn: 2049-3630}\n")
    done = command("plan", "--site", str(site))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Subscribers will notice nothing")


def test_a_study_is_filed_under_its_own_notice_and_not_under_what_became_of_the_post(service: Service):
    def filed(entries: Iterable[ElementTree.Element], name: str) -> dict[str, list[str]]:
        return {
            entry.findtext(f"{name}title") or "": [
                each.get("label") or each.text or "" for each in entry.iter(f"{name}category")
            ]
            for entry in entries
        }

    atom, rss, feed = (service.ask(f"/citations.{form}").body for form in ("atom", "rss", "json"))
    name = "{http://www.w3.org/2005/Atom}"
    found = [
        filed(ElementTree.fromstring(atom).iter(f"{name}entry"), name),
        filed(ElementTree.fromstring(rss).iter("item"), ""),
        {item["title"]: item["tags"] for item in json.loads(feed)["items"]},
    ]
    expected = {"Bad": ["Alliance", "Study retracted"], "Good": ["Alliance"]}
    assert [{title: tags[title] for title in expected} for tags in found] == [expected] * 3
