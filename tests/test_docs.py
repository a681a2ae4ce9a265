"""The documents say what is so: their commands are run, their tables and links held against the code."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from pprnet_feeds.content.keys import POST
from pprnet_feeds.content.model import Site
from pprnet_feeds.content.post import read_post
from pprnet_feeds.content.site import read_site
from pprnet_feeds.syndication.urls import GUESSED
from service import ROOT, free_port, serving

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ADDRESS = "127.0.0.1:8000"
RECORDS = {"CHANGELOG.md", "DECISIONS.md"}

_PROGRAM = re.compile(r"(?<!\S)(?:\./run feeds|pprnet-feeds)(?= )")
_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]+\]\((?!https?:|mailto:)([^)\s]*)\)")


def name(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=name)


@dataclass(frozen=True)
class Step:
    """A file to write, or a command with the output that is shown for it."""

    file: str
    command: str
    text: str


def steps(document: Path) -> list[Step]:
    found: list[Step] = []
    for mark, file, text in _FENCE.findall(document.read_text("utf-8")):
        if file:
            found.append(Step(file, "", text))
        elif mark == "console":
            before, *commands = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)
            assert not before, f"{document}: a console block begins with a command"
            found += [Step("", *pair) for pair in zip(commands[::2], commands[1::2], strict=True)]
    return found


def expected(shown: str) -> re.Pattern[str]:
    """`…` stands for anything on a line, and alone on a line for any lines."""
    lines = [line.strip() for line in shown.strip().splitlines()]
    parts = [
        "(?:.*\n)*?" if line == "…" else "[^\n]*".join(map(re.escape, line.split("…"))) + "\n"
        for line in lines
    ]
    return re.compile("".join(parts))


def environ() -> dict[str, str]:
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("PPRNET_", "PORT", "WEB_"))
    }
    return kept | {"PYTHONPATH": str(ROOT / "src"), "LC_ALL": "C.UTF-8", "PORT": str(free_port())}


def run(command: str, folder: Path, port: int) -> str:
    """What a command prints, without the space around lines."""
    real = command.replace(ADDRESS, f"127.0.0.1:{port}")
    real = _PROGRAM.sub(f"{sys.executable} -m pprnet_feeds", real)
    done = subprocess.run(
        ["/bin/sh", "-c", real],
        cwd=folder, env=environ(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert not done.stderr, done.stderr
    return "".join(f"{line.strip()}\n" for line in done.stdout.strip().splitlines())


@contextlib.contextmanager
def port_of_a_service(folder: Path, wanted: bool) -> Iterator[int]:
    """Serve *folder* for as long as a document is tried; 0 when it asks for nothing."""
    if not wanted:
        yield 0
        return
    # The addresses in the answers are those that whoever follows the document would see.
    with serving(folder, PPRNET_BASE_URL=f"http://{ADDRESS}") as service:
        yield service.port


@pytest.mark.slow
@pytest.mark.parametrize("document", [each for each in DOCUMENTS if steps(each)], ids=name)
def test_what_a_document_shows_is_what_happens(document: Path, tmp_path: Path):
    walk = steps(document)
    if any("curl" in step.command for step in walk) and not shutil.which("curl"):
        pytest.skip("curl is not installed")
    for folder in ("posts", "feeds"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    with port_of_a_service(tmp_path, any(ADDRESS in step.command for step in walk)) as port:
        for step in walk:
            if step.file:
                (tmp_path / step.file).write_text(step.text, encoding="utf-8")
                continue
            printed = run(step.command, tmp_path, port)
            assert expected(step.text).fullmatch(printed), f"$ {step.command}\n{printed}"


def test_a_shown_line_that_is_not_printed_would_be_noticed():
    assert expected("one\n…\nfo…r\n").fullmatch("one\ntwo\nthree\nfour\n")
    assert not expected("one\nfour\n").fullmatch("one\ntwo\nfour\n")
    assert not expected("one\n").fullmatch("one\ntwo\n")


@every_document
def test_every_link_between_documents_leads_somewhere(document: Path):
    text = _FENCE.sub("", document.read_text("utf-8"))
    broken = []
    for link in _LINK.findall(text):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_document_is_reached_from_the_first():
    reached, left = set(), [ROOT / "README.md"]
    while left:
        document = left.pop()
        if document not in reached:
            reached.add(document)
            targets = (link.partition("#")[0] for link in _LINK.findall(document.read_text("utf-8")))
            left += [(document.parent / one).resolve() for one in targets if one.endswith(".md")]
    assert [name(document) for document in DOCUMENTS if document not in reached] == []


def prose(text: str) -> Iterator[str]:
    """The lines of a document that people read, without the addresses of its links."""
    is_code = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code and not line.startswith(("|", "    ")):
            yield re.sub(r"(?<=\])\([^)\s]*\)|<?https?://\S+", "", line)


@pytest.mark.parametrize(
    "document",
    [each for each in DOCUMENTS if name(each) not in RECORDS],
    ids=name,
)
def test_no_line_of_a_document_is_longer_than_120_characters(document: Path):
    assert [line for line in prose(document.read_text("utf-8")) if len(line) > 120] == []


def test_tables_code_and_addresses_may_be_longer():
    long, link = "x" * 121, f"[{'y' * 118}](https://example.org/{'z' * 90})"
    text = f"| {long} |\n```sh\n{long}\n```\n    {long}\n{link}\n{long}\n"
    assert [len(line) for line in prose(text)] == [120, 121]


class Page(HTMLParser):
    """The anchors of a page, the addresses that its links lead to, and those that a browser loads with it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(file.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key == "id" and value:
                self.anchors.add(value)
            elif key in ("src", "href") and value:
                (self.links if tag == "a" else self.loaded).add(value)


@pytest.mark.slow
def test_the_documents_as_a_site_have_no_broken_link_and_load_nothing_from_elsewhere(tmp_path: Path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    pages = {file: Page(file) for file in tmp_path.rglob("*.html")}
    assert len(pages) > len(DOCUMENTS)
    broken = []
    for file, page in pages.items():
        for link in page.links | page.loaded:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            base = tmp_path if parts.path.startswith("/") else file.parent
            target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            known = pages[target].anchors if target in pages else {""}
            if not target.is_file() or parts.fragment not in known:
                broken.append((file.relative_to(tmp_path).as_posix(), link))
    assert broken == []
    elsewhere = {link for page in pages.values() for link in page.loaded if urlsplit(link).netloc}
    styles = "".join(file.read_text("utf-8") for file in tmp_path.rglob("*.css"))
    assert (elsewhere, re.findall(r"url\(['\"]?(?:https?:)?//[^)]*", styles)) == (set(), [])


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table(document: str, first: str) -> dict[str, str]:
    """The rows of the table whose first heading is *first*: key -> the rest."""
    lines = (ROOT / document).read_text("utf-8").splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows: dict[str, str] = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        key, _, rest = line.strip("| ").partition(" | ")
        assert key.strip("`") not in rows
        rows[key.strip("`")] = rest
    return rows


EDITOR = "docs/editor/writing-a-post.md"
OPERATOR = "docs/operator/running.md"
SUBSCRIBER = "docs/subscriber/feeds.md"


def test_the_editors_table_holds_every_key_of_a_post():
    assert list(table(EDITOR, "key")) == list(dict.fromkeys(key.name for key in POST.values()))


def test_the_editors_table_of_other_words_is_the_readers_own():
    told = {
        word: ours for ours, rest in table(EDITOR, "our key").items() for word in re.findall(r"`(\w+)`", rest)
    }
    assert told == {word: key.name for word, key in POST.items() if word != key.name}


def keys_of(front_matter: str) -> set[str]:
    """The keys that the reader itself offers to whoever typed an unknown one."""
    text = f"---\ntitle: T\ndate: 2021-01\ntopics: [outcomes]\n{front_matter}\n---\n"
    _, problems = read_post(text, "posts/a.md", the_site())
    mend = next(problem.mend for problem in problems if "zzzzzzzz" in problem.what)
    return set(re.findall(r"`(\w+)`", mend))


def the_site() -> Site:
    site, problems = read_site(ROOT, {}, "https://check.invalid")
    assert site is not None
    assert problems == []
    return site


def test_the_editors_table_holds_every_part_of_a_citation():
    assert set(table(EDITOR, "part")) == keys_of("cites: [{text: T, zzzzzzzz: 1}]")


def test_the_parts_of_authors_and_pictures_are_told():
    rows = table(EDITOR, "key")
    for key, typed in (("authors", "[{name: N, zzzzzzzz: 1}]"), ("image", "{url: U, zzzzzzzz: 1}")):
        assert set(re.findall(r"`(\w+)`", rows[key])) == keys_of(f"{key}: {typed}")


class Asked(dict[str, str]):
    """An environment that remembers which variables were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
        self.names.append(key)
        return default


def test_the_operators_table_holds_every_variable_that_is_read():
    asked = Asked()
    read_site(ROOT, asked)
    text = (ROOT / OPERATOR).read_text("utf-8")
    rows = re.findall(r"^\| `(PPRNET_\w+)` \| `([\w.]+)` \|", text, re.MULTILINE)
    assert {variable for variable, _ in rows} == set(asked.names)
    assert all(variable == "PPRNET_" + key.upper().replace(".", "_") for variable, key in rows)


def test_the_defaults_in_the_operators_table_are_those_of_the_program():
    site = the_site()
    text = (ROOT / OPERATOR).read_text("utf-8")
    numbers = dict(
        re.findall(r"^\| `PPRNET_\w+` \| `(?:cache\.)?(\w+)` \|.*\| (\d+) \|$", text, re.MULTILINE)
    )
    defaults = {"entries": Site.__dataclass_fields__["entries"].default}
    cache = type(site.cache)()
    defaults |= {key: getattr(cache, key) for key in ("max_age", "stale_while_revalidate", "stale_if_error")}
    assert numbers == {key: str(value) for key, value in defaults.items()}


def test_the_subscribers_table_holds_every_guessed_address():
    rows = table(SUBSCRIBER, "gives")
    told = {address: form.lower() for form, rest in rows.items() for address in re.findall(r"`(\S+)`", rest)}
    assert told == GUESSED


def test_a_library_that_is_installed_is_explained():
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    wanted = re.findall(r'^    "([A-Za-z0-9-]+)[><=]', project, re.MULTILINE)
    decisions = (ROOT / "DECISIONS.md").read_text("utf-8")
    assert [library for library in wanted if not re.search(rf"\b{library}\b", decisions)] == []
