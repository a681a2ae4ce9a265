"""The rules for hosts that read ``_headers`` and ``_redirects``, read as Netlify and Cloudflare read them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from copied import make_site
from pprnet_feeds.exporting.hosts import (
    MOST_HEADERS,
    MOST_PATTERNS,
    MOST_PLAIN,
    exceeds_cloudflare,
    file_name,
    guessed,
)
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore
from service import command
from test_build import NOW


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory.mktemp("hosts") / "site")


@pytest.fixture(scope="module")
def copy(site: Path) -> Path:
    folder = site.parent / "copy"
    done = command("build", str(folder), cwd=site)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def snapshot(site: Path) -> Snapshot:
    found = build(Settings(site), {}, NOW, TimestampStore())
    assert isinstance(found, Snapshot)
    return found


@pytest.fixture(scope="module")
def sent(snapshot: Snapshot) -> dict[str, dict[str, str]]:
    """Path -> the header fields of the service."""
    found = {}
    for path in snapshot.paths():
        response = snapshot.find(path)
        assert response is not None
        sent = response.prepare({}, NOW).start["headers"]
        found[path] = {name.decode(): value.decode() for name, value in sent}
    return found


@pytest.fixture(scope="module")
def headers(copy: Path) -> str:
    return (copy / "_headers").read_text()


@pytest.fixture(scope="module")
def redirects(copy: Path) -> str:
    return (copy / "_redirects").read_text()


def rules(headers: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for block in headers.strip().split("\n\n"):
        first, *lines = block.splitlines()
        yield first, [(name, value) for name, _, value in (line.strip().partition(": ") for line in lines)]


def matcher(rule: str, end: str = "") -> re.Pattern[str]:
    """A rule's pattern: ``*`` is anything, ``:name`` is one segment."""
    parts = re.split(r"(\*|:[a-z]+)", rule)
    as_regex = {"*": "(?P<splat>.*)"}
    return re.compile(
        "".join(
            as_regex.get(part) or (f"(?P<{part[1:]}>[^/]+)" if part.startswith(":") else re.escape(part))
            for part in parts
        )
        + end
    )


@pytest.mark.parametrize("end", ["", "/?"], ids=["Cloudflare", "Netlify"])
def test_no_address_gets_a_field_twice(headers, sent, end):
    patterns = [(matcher(rule, end), fields) for rule, fields in rules(headers)]
    for path in sent:
        names = [name for pattern, fields in patterns if pattern.fullmatch(path) for name, _ in fields]
        assert len(names) == len(set(names)), path


def test_what_a_rule_gives_is_what_the_service_sends(headers, sent):
    patterns = [(matcher(rule), fields) for rule, fields in rules(headers)]
    for path, its in sent.items():
        for pattern, fields in patterns:
            if pattern.fullmatch(path):
                assert [(name, value) for name, value in fields if its[name] != value] == [], path


def test_every_feed_gets_its_type_and_every_page_its_policy(headers, sent):
    patterns = [(matcher(rule), dict(fields)) for rule, fields in rules(headers)]
    for path, its in sent.items():
        given_by_rules = {name for pattern, fields in patterns if pattern.fullmatch(path) for name in fields}
        if path.endswith((".atom", ".rss", ".bib", ".ris", ".csl.json", "/feed.json", "/citations.json")):
            assert "content-type" in given_by_rules, path
        if its["content-type"].startswith("text/html"):
            assert "content-security-policy" in given_by_rules, path


def test_the_rules_are_within_what_cloudflare_reads(headers, redirects):
    assert not exceeds_cloudflare({"_headers": headers.encode(), "_redirects": redirects.encode()})
    assert len(list(rules(headers))) <= MOST_HEADERS
    assert max(map(len, headers.splitlines())) < 2000
    assert max(map(len, redirects.splitlines())) < 1000


def test_more_rules_than_cloudflare_reads_are_noticed():
    many = "".join(f"/a{number} /b 301\n" for number in range(MOST_PLAIN + 1))
    patterns = "".join(f"/a{number}/* /b 301\n" for number in range(MOST_PATTERNS + 1))
    assert exceeds_cloudflare({"_redirects": many.encode()})
    assert exceeds_cloudflare({"_redirects": patterns.encode()})


def answered(redirects: str, path: str) -> tuple[str, str] | None:
    """The first rule that fits: where it leads, and its status."""
    for line in redirects.splitlines():
        source, target, status = line.split(" ")
        match = matcher(source).fullmatch(path)
        if match:
            for name, value in match.groupdict().items():
                target = target.replace(f":{name}", value)
            return target, status
    return None


def test_every_former_address_leads_where_the_service_leads(redirects, snapshot):
    former = (
        *(
            "/topics/bond",
            "/topics/bond/",
            "/topics/bond/feed",
            "/topics/bond/feed.rss",
            "/research/metas/embed",
        ),
        *("/2020/12/sleep", "/2020/12/sleep/", "/2020/12/sleep.bib", "/old/sleep.html"),
    )
    for path in former:
        found = answered(redirects, path)
        assert found is not None, path
        target, status = found
        assert status == "301"
        # A guessed address below a former topic leads to the one below the present topic.
        assert target in (snapshot.moved(path), "/topics/alliance/feed")


def test_every_guessed_address_has_a_file_or_a_rule_that_leads_to_the_feed(redirects, sent, copy):
    for path in sent:
        for guess in guessed(path):
            if (copy / guess[1:]).is_file():
                assert answered(redirects, guess) is None, guess
                assert (copy / guess[1:]).read_bytes() == (copy / path[1:]).read_bytes()
            else:
                assert answered(redirects, guess) == (path, "200"), guess


def test_a_guessed_file_has_the_type_of_its_feed(headers, sent):
    patterns = [(matcher(rule), dict(fields)) for rule, fields in rules(headers)]
    for path, its in sent.items():
        for guess, is_file in guessed(path).items():
            # The rule for the feeds of a month would match this address, too.
            if guess == "/issues/rss/feed.xml":
                continue
            types = [its.get("content-type") for pattern, its in patterns if pattern.fullmatch(guess)]
            assert [one for one in types if one] == [its["content-type"]] * is_file, guess


def test_plain_redirects_come_before_those_with_a_pattern(redirects):
    patterned = ["*" in line or ":" in line for line in redirects.splitlines()]
    assert patterned == sorted(patterned)


def test_all_names_of_a_site_stay_below_the_folder_and_are_of_one_file_each(sent):
    names = [file_name(path) for path in sent]
    assert len(names) == len(set(names))
    assert not [name for name in names if Path(name).is_absolute() or ".." in Path(name).parts]
