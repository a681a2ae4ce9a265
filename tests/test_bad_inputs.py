"""What may lie in a site's folder: kept out with words, or read, and the rest goes on.

What the tests of a single reader (`test_frontmatter`, `test_posts`, `test_markup`, `test_library`, …) say
already is not said here again: these look at whole files, whole sites and the running service.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from many import make_site, write_post
from pprnet_feeds.content import files, markdown
from pprnet_feeds.content.ledger import FILE as LEDGER
from pprnet_feeds.content.ledger import Ledger, read_ledger, write
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.model import CacheTimes
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.site import read_site
from pprnet_feeds.importing import detect
from pprnet_feeds.publishing.plan import published
from pprnet_feeds.serving import app, cache, encoding, protocol
from pprnet_feeds.stats import user_agents
from pprnet_feeds.syndication import selection
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.websub import client
from service import Service, command, serving

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FILES = ("feeds/site.yaml", "feeds/topics.yaml", "feeds/research.yaml", "feeds/issues.yaml", LEDGER)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", 3)


def read(folder: Path, ledger: Ledger | None = None) -> Library:
    found, problems = read_site(folder, {})
    assert found is not None, problems
    return read_library(folder, found, NOW, bodies=True, ledger=ledger)


def problems_of(folder: Path) -> list[Problem]:
    """The problems with the files in ``feeds/``."""
    _, problems = read_site(folder, {})
    ledger = read_ledger(folder)
    return [*problems, *(ledger if isinstance(ledger, list) else [])]


def post(folder: Path, name: str, header: str = "", body: str = "Text.\n") -> Path:
    path = folder / f"posts/{name}.md"
    path.write_text(f"---\ntitle: T\ndate: 2021-03\ntopics: [alpha]\n{header}---\n{body}", encoding="utf-8")
    return path


# Each puts something else in the place of a file.
def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


def _itself(path: Path) -> None:
    path.symlink_to(path.name)


def _passwords(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def _folder(path: Path) -> None:
    path.mkdir()


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


def _wide(path: Path) -> None:
    path.write_text("title: x\n", encoding="utf-16")


def _latin(path: Path) -> None:
    path.write_bytes("title: Zoë\n".encode("latin-1"))


def _picture(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        where = Path.cwd()
        os.chdir(path.parent)  # a socket's address may have a hundred letters
        listener.bind(path.name)
        os.chdir(where)


ODD = (_pipe, _device, _nowhere, _itself, _passwords, _folder, _sparse, _wide, _latin, _picture, _socket)


@pytest.mark.parametrize("make", ODD)
@pytest.mark.parametrize("name", FILES)
def test_what_stands_in_the_place_of_a_settings_file_is_told_and_never_waited_for(
    site: Path, name: str, make: Callable[[Path], None]
):
    (site / name).unlink(missing_ok=True)
    make(site / name)
    since = time.process_time()
    assert name in {problem.file for problem in problems_of(site)}
    assert time.process_time() - since < 1


BOMBS = {
    "brackets": "a: " + "[" * 100_000,
    "merges": "a: &a {b: c}\n" + "".join(f"d{n}: {{<<: *a}}\n" for n in range(2_000)),
    "names": "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 2_000)),
    "one value": "title: " + "x" * 900_000,
    "objects": "title: !!python/object/apply:os.system [id]\n",
    "keys": "".join(f"k{n}: v\n" for n in range(10_000)),
    "lines": "\n" * 1_000_000,
    "tabs": "\t" * 100_000 + "a: b",
    "nul": "title: \0\n" * 1000,
    "conflict": "<<<<<<< HEAD\ntitle: a\n=======\ntitle: b\n>>>>>>> other\n",
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("name", FILES)
def test_a_bomb_in_a_settings_file_is_told_in_bounded_time_and_words(site: Path, name: str, bomb: str):
    (site / name).write_text(BOMBS[bomb])
    since = time.process_time()
    told = problems_of(site)
    # Ten thousand unknown keys take longest: each is compared with those we know.
    assert time.process_time() - since < 2
    # A file of empty lines says nothing, and two of the files need not say anything.
    assert told or bomb == "lines"
    assert sum(len(problem.what) for problem in told) < 1_000_000


# The ledger, which a merge may have spoilt


@pytest.fixture
def record(site: Path) -> dict:
    """The ledger's first record, as JSON."""
    whole = write(published(read(site), Ledger(), NOW, frozenset()))
    return json.loads(whole)["posts"][0]


def ledger_with(site: Path, record: dict, **changed: object) -> Ledger | list[Problem]:
    (site / LEDGER).write_text(json.dumps({"version": 1, "posts": [record | changed]}))
    return read_ledger(site)


@pytest.mark.parametrize("key", ["id", "path", "slug", "title", "published", "digest", "topics", "status"])
@pytest.mark.parametrize("value", [None, 1, True, {}, [[]], ""], ids=str)
def test_a_record_with_a_value_of_another_kind_is_no_ledger(
    site: Path, record: dict, key: str, value: object
):
    if value == "" and key in ("path", "title", "digest"):
        return
    found = ledger_with(site, record, **{key: value})
    assert isinstance(found, list)
    assert found[0].file == LEDGER


@pytest.mark.parametrize(
    "changed",
    [
        {"id": "a b"}, {"id": "<!--"}, {"id": "../x"}, {"slug": "../../etc"}, {"slug": 'x" onload="y'},
        {"former": ["a b"]}, {"topics": ["\0"]}, {"title": "bell \x07"},
        {"note": "nul \0", "status": "withdrawn"},
        {"title": "half \ud83d"}, {"path": "posts/a\nb.md"}, {"updated": "0020-12-01T17:00:00Z"},
        {"published": "9999-12-31T23:59:59Z"},
    ],
    ids=str,
)  # fmt: skip
def test_a_record_that_no_document_may_repeat_is_no_ledger(site: Path, record: dict, changed: dict):
    assert isinstance(ledger_with(site, record, **changed), list)


def test_a_ledger_of_brackets_is_told(site: Path):
    (site / LEDGER).write_text("[" * 100_000)
    assert isinstance(read_ledger(site), list)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"posts": {}}', '{"posts": [1]}', '{"posts": "ab"}', "NaN", "\0"]
)
def test_what_is_no_ledger_is_told(site: Path, text: str):
    (site / LEDGER).write_text(text)
    found = read_ledger(site)
    if found == Ledger():  # an empty mapping of records says that nothing was published
        assert text == '{"posts": {}}'
        return
    assert isinstance(found, list)
    assert [problem.file for problem in found] == [LEDGER]


# Addresses that an editor types


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\\tscript:alert(1)", "vbscript:x", "data:text/html,x",
     "//evil.example", "http://", "http://[", "https://a b", "https://a\\r\\nX: y", "https://a\\0b", "file:///x",
     "https://user@evil.example", "ftp://a.example/", "https://" + "a" * 3000],
)  # fmt: skip
@pytest.mark.parametrize(
    "header",
    ['image: {{url: "{}"}}', 'authors: [{{name: A, url: "{}"}}]', 'cites: [{{text: R, url: "{}"}}]'],
    ids=["image", "author", "cite"],
)
def test_an_address_that_is_no_plain_address_never_becomes_a_link(site: Path, header: str, address: str):
    post(site, "2021-03-a", header.format(address) + "\n")
    library = read(site)
    for path in ("/feed.atom", "/citations.atom", "/feed.json"):
        document = Catalogue(library).document(path)
        assert document is not None
        for bad in (b"script:", b"data:", b'"//evil', b'"file:', b"ftp:", b"user@evil"):
            assert bad not in document.body.lower()


# Sizes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "body"),
    [
        (f"title: {'x' * 100_000}\n", ""),
        (f"summary: {'x' * 100_000}\n", ""),
        ("research: [" + "trials, " * 5_000 + "]\n", ""),
        ("cites:\n" + "- a reference\n" * 5_000, ""),
        ("aliases:\n" + "".join(f"- /a/{n}\n" for n in range(3_000)), ""),
        ("x" * 60_000 + ": y\n", ""),
        ("", "x" * 5_000_000),
        ("", "[" * 1_040_000),
        ("", "![](" * 260_000),
        ("", "<b" * 500_000),
        ("", "> " * 500_000),
        ("", "|a" * 500_000 + "\n" + "|-" * 1000),
        ("", "[^a]" * 200_000 + "\n\n[^a]: b"),
        ("", "&#1;" * 250_000),
        ("", "\u202e" * 340_000),
        ("", "](" * 500_000),
        ("", "`" * 1_000_000),
        ("", "*_" * 500_000),
        ("", "<!--" * 250_000),
        ("", "<a href='" * 110_000),
    ],
    ids=lambda text: text[:12] or "-",
)
def test_a_post_of_any_size_and_shape_is_looked_at_in_bounded_time(site: Path, header: str, body: str):
    post(site, "2021-03-a", header, body)
    found, _ = read_site(site, {})
    assert found is not None
    since = time.process_time()
    library = read_library(site, found, NOW, bodies=True)
    for path in ("/feed.atom", "/practice.json", "/posts/2021-03-a.json"):
        document = Catalogue(library).document(path)
        assert document is None or len(document.body) < 20_000_000
    # Well under a second on a quiet machine, where each of three documents renders it anew.
    assert time.process_time() - since < 3
    assert {"2013-01-01-post-0", "2013-01-02-post-1"} <= {each.id for each in library.posts}


# Folders


def test_folders_without_a_bottom_and_in_circles_are_walked_once(site: Path):
    folder = site / "posts"
    for _ in range(200):
        folder = folder / "d"
    folder.mkdir(parents=True)
    (folder / "2021-03-deep.md").write_text("---\ntitle: Deep\ndate: 2021-03\ntopics: [alpha]\n---\nText.\n")
    (site / "posts/circle").symlink_to(site / "posts")
    (site / "posts/above").symlink_to("/")
    library = read(site)
    assert "2021-03-deep" in {each.id for each in library.posts}
    assert [(each.file, each.warning) for each in library.problems] == [
        ("posts/above", True),
        ("posts/circle", True),
    ]


@pytest.mark.slow
def test_a_folder_of_ten_thousand_other_things_costs_little(site: Path):
    for number in range(10_000):
        (site / f"posts/picture-{number}.jpg").touch()
    since = time.process_time()
    assert len(read(site).posts) == 3
    assert time.process_time() - since < 1


@pytest.mark.parametrize(
    "name", ["feed", "archive", "topics", "2021-03-" + "a" * 240, "con", "-", "…", "a b"]
)
def test_a_post_of_a_name_that_cannot_be_an_address_is_told_with_its_file(site: Path, name: str):
    try:
        post(site, name)
    except OSError:
        pytest.skip("the disk takes no name like this")
    library = read(site)
    assert {f"{name}.md"} >= {each.file.removeprefix("posts/") for each in library.problems}
    assert bool(library.problems) != (name in {each.id for each in library.posts})


# What the operator is told


@pytest.mark.parametrize(
    ("figure", "code", "words"),
    [
        (65_536, protocol.LONGEST_PART, "431 and closed, at 64 kB"),
        (5.0, protocol.Protocol.patience, "408 and closed, after five to ten seconds"),
        (2_048, app.LONGEST_ADDRESS, "414 over 2,048 bytes"),
        (4_096, app.LONGEST_QUERY, "of a query the first 4,096 bytes are read"),
        (8_192, encoding.LONGEST_VALUE, "ignored, over 8,192 bytes too"),
        (32 * 1024 * 1024, cache.MOST_BYTES, "32 MiB of answers are cached"),
        (5, selection.MOST_TOPICS, "at most five topics"),
        (100_000, user_agents.MOST_SUBSCRIBERS, "claims over 100,000 subscribers"),
        (1_048_576, files.SIZE_LIMIT, "Only regular files up to 1 MiB"),
        (100, markdown.DEPTH, "Nesting ends at 100"),
        (50_000_000, detect.SIZE_LIMIT, "up to 50 MB"),
        (10.0, client.TIMEOUT, "ten seconds, three redirects"),
        (3, client.MOST_REDIRECTS, "ten seconds, three redirects"),
        (900, CacheTimes().max_age, "fresh for 15 minutes"),
        (7 * 86_400, CacheTimes().stale_if_error, "up to a week"),
    ],
    ids=str,
)
def test_the_figures_of_the_threat_model_are_those_of_the_code(figure: float, code: float, words: str):
    text = (Path(__file__).parents[1] / "docs/operator/threats.md").read_text()
    assert code == figure
    assert words in " ".join(text.split())


# The running service


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Path]]:
    folder = make_site(tmp_path_factory.mktemp("running") / "site", 3)
    with serving(folder) as service:
        time.sleep(1)  # what becomes of a file in the first moment is asked in test_bad_inputs_faults
        yield service, folder


def soon(happened: Callable[[], object], seconds: float = 6) -> None:
    since = time.monotonic()
    while not happened():
        assert time.monotonic() - since < seconds, "it did not happen"
        time.sleep(0.03)


@pytest.mark.slow
@pytest.mark.parametrize("make", ODD)
def test_whatever_comes_to_lie_among_the_posts_the_feeds_go_on(
    running: tuple[Service, Path], make: Callable[[Path], None]
):
    service, folder = running
    name = f"2021-03-odd{make.__name__.replace('_', '-')}"
    make(folder / f"posts/{name}.md")
    soon(lambda: name in service.ask("/readyz").body.decode())
    write_post(folder, 0, title=f"Beside {name}")
    soon(lambda: f"Beside {name}" in service.ask("/feed.atom").body.decode())


@pytest.mark.slow
@pytest.mark.parametrize("body", ["[" * 1_040_000, "<b" * 500_000])
def test_feeds_are_answered_while_a_hostile_post_is_read(running: tuple[Service, Path], body: str):
    service, folder = running
    name = f"2021-04-hostile-{len(body)}"
    post(folder, name, body=body)
    waits = []
    begun = time.monotonic()
    is_there = False
    while not is_there or time.monotonic() < begun + 3:
        assert time.monotonic() < begun + 20
        is_there = service.ask(f"/posts/{name}.json").status == 200
        since = time.monotonic()
        assert service.ask("/feed.atom").status == 200
        waits.append(time.monotonic() - since)
        time.sleep(0.01)
    assert sorted(waits)[-2] < 1


def test_check_tells_of_whatever_lies_there_and_ends(site: Path):
    for place, make in enumerate(ODD):
        make(site / f"posts/2021-03-odd-{place}.md")
    since = time.monotonic()
    done = command("check", "--site", str(site))
    assert (done.returncode, done.stderr) == (1, "")
    assert time.monotonic() - since < 20
    assert all(f"posts/2021-03-odd-{place}.md" in done.stdout for place in range(len(ODD)))


def test_a_site_that_is_copied_while_it_is_written_is_read_as_far_as_it_is_there(site: Path, tmp_path: Path):
    half = tmp_path / "half"
    shutil.copytree(site / "feeds", half / "feeds")
    (half / "posts").mkdir()
    whole = (site / "posts/2013-01-01-post-0.md").read_bytes()
    for length in range(0, len(whole), 7):
        (half / "posts/2013-01-01-post-0.md").write_bytes(whole[:length])
        library = read(half)
        assert library.posts or library.problems
