"""The moments of change: they rise at every change that readers can see, and at nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.cli import main
from pprnet_feeds.content import files
from pprnet_feeds.content.ledger import Ledger, record_of
from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Citation, Person, Post, Site, Term, digest
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.reader import Look
from pprnet_feeds.serving.snapshot import build, renderer_digest
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import LOST, Timestamps, TimestampStore, merge, record, resources
from pprnet_feeds.syndication.selection import Selection
from service import SITES

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
MUCH_LATER = NOW + timedelta(days=30)
BEGINNING = datetime(2013, 1, 1, tzinfo=UTC)

ALL = Selection()
SLEEP = Selection(topics=("sleep",))
TRUST = Selection(topics=("trust",))
REVIEWS = Selection(research="reviews")
MAY = Selection(issue="2021-05")
JUNE = Selection(issue="2021-06")
EVERY_SELECTION = (ALL, SLEEP, TRUST, REVIEWS, MAY, JUNE)

SITE = Site(
    title="A blog",
    subtitle="",
    short_title="Blog",
    base_url="https://blog.example.org",
    tag_root="blog.example.org,2013:blog",
    author=Person("Ada Writer"),
    language="en",
    time_zone=ZoneInfo("America/Toronto"),
    topics=(Term("sleep", "Sleep"), Term("trust", "Trust")),
    research=(Term("reviews", "Reviews"),),
    issues={"2021-05": "…sleep"},
)


def post(name: str, day: datetime, topics: tuple[str, ...], *, issue: str, body: str = "Words.") -> Post:
    return Post(f"posts/{name}.md", name, name, name, day, day, issue, topics, body=body)


NAPS = post("naps", datetime(2021, 5, 1, 16, tzinfo=UTC), ("sleep",), issue="2021-05")
VOWS = post("vows", datetime(2021, 6, 1, 16, tzinfo=UTC), ("trust",), issue="2021-06")


def library(*posts: Post, site: Site = SITE) -> Library:
    public = tuple(post for post in posts if post.status != "withdrawn")
    withdrawn = tuple(post for post in posts if post.status == "withdrawn")
    return Library(site, public, withdrawn, (), None)


def seen_at(
    known: Timestamps, now: datetime, *posts: Post, site: Site = SITE, drawn_by: str = "first edition"
) -> Timestamps:
    return record(known, resources(library(*posts, site=site), drawn_by), now)


FIRST = seen_at(Timestamps(), NOW, NAPS, VOWS)


def risen(before: Timestamps, after: Timestamps) -> dict[Selection, datetime]:
    """The selections that tell another moment than before, with the new one."""
    moments = {which: after.last_modified(which.holds) for which in EVERY_SELECTION}
    return {which: moment for which, moment in moments.items() if moment != before.last_modified(which.holds)}


def test_at_the_very_start_the_posts_tell_their_own_dates_so_that_replicas_agree():
    assert {which: FIRST.last_modified(which.holds) for which in EVERY_SELECTION} == {
        ALL: VOWS.updated,
        SLEEP: NAPS.updated,
        TRUST: VOWS.updated,
        REVIEWS: BEGINNING,
        MAY: NAPS.updated,
        JUNE: VOWS.updated,
    }


def test_no_moment_is_in_the_future_even_if_a_post_says_so():
    ahead = replace(NAPS, updated=MUCH_LATER)
    assert seen_at(Timestamps(), NOW, ahead).last_modified(ALL.holds) == NOW


def test_nothing_new_is_the_same_knowledge():
    assert seen_at(FIRST, LATER, NAPS, VOWS) is FIRST


def test_the_order_of_posts_and_the_names_of_their_files_are_nothing_new():
    assert seen_at(FIRST, LATER, VOWS, replace(NAPS, file="posts/2021/naps.md", body_line=7)) is FIRST


def test_the_order_of_the_sentences_is_nothing_new():
    one = replace(SITE, issues={"2021-05": "…sleep", "2021-06": "…trust"})
    other = replace(SITE, issues={"2021-06": "…trust", "2021-05": "…sleep"})
    known = seen_at(Timestamps(), NOW, NAPS, site=one)
    assert seen_at(known, LATER, NAPS, site=other) is known


def test_a_new_post_counts_where_it_stands_and_nowhere_else():
    new = post("rest", LATER, ("sleep",), issue="2026-11")
    assert risen(FIRST, seen_at(FIRST, LATER, NAPS, VOWS, new)) == {ALL: LATER, SLEEP: LATER}


def test_a_back_dated_post_counts_from_the_moment_it_is_seen():
    old = post("rest", datetime(2014, 1, 1, tzinfo=UTC), ("sleep",), issue="2014-01")
    assert risen(FIRST, seen_at(FIRST, LATER, NAPS, VOWS, old)) == {ALL: LATER, SLEEP: LATER}


def test_a_silent_edit_counts():
    edited = replace(NAPS, body="Better words.")
    assert risen(FIRST, seen_at(FIRST, LATER, edited, VOWS)) == {ALL: LATER, SLEEP: LATER, MAY: LATER}


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Naps!"},
        {"slug": "short-naps"},
        {"updated": NOW},
        {"cites": (Citation("A study."),)},
        {"authors": (Person("Bob"),)},
        {"status": "corrected", "note": "A number."},
        {"aliases": ("/old/",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_that_readers_see_counts(change):
    edited = replace(NAPS, **change)
    assert risen(FIRST, seen_at(FIRST, LATER, edited, VOWS)) == {ALL: LATER, SLEEP: LATER, MAY: LATER}


def test_a_move_counts_where_the_post_was_and_where_it_is():
    moved = replace(NAPS, topics=("trust",), research=("reviews",))
    assert risen(FIRST, seen_at(FIRST, LATER, moved, VOWS)) == {
        **dict.fromkeys((ALL, SLEEP, TRUST, REVIEWS, MAY), LATER)
    }


def test_a_move_back_counts_again_at_both_ends():
    moved = seen_at(FIRST, LATER, replace(NAPS, topics=("trust",)), VOWS)
    back = seen_at(moved, MUCH_LATER, NAPS, VOWS)
    assert risen(moved, back) == {
        **dict.fromkeys((ALL, SLEEP, TRUST, MAY), MUCH_LATER),
    }


def test_an_edit_after_a_move_does_not_touch_the_place_that_was_left():
    moved = seen_at(FIRST, LATER, replace(NAPS, topics=("trust",)), VOWS)
    edited = seen_at(moved, MUCH_LATER, replace(NAPS, topics=("trust",), body="Better."), VOWS)
    assert risen(moved, edited) == {ALL: MUCH_LATER, TRUST: MUCH_LATER, MAY: MUCH_LATER}


def test_a_change_of_month_counts_in_both_months():
    moved = replace(NAPS, issue="2021-06")
    assert risen(FIRST, seen_at(FIRST, LATER, moved, VOWS)) == {
        **dict.fromkeys((ALL, SLEEP, MAY, JUNE), LATER)
    }


def test_a_withdrawal_counts():
    withdrawn = replace(NAPS, status="withdrawn")
    assert risen(FIRST, seen_at(FIRST, LATER, withdrawn, VOWS)) == {ALL: LATER, SLEEP: LATER, MAY: LATER}


def test_a_vanished_post_counts_once_where_it_was():
    gone = seen_at(FIRST, LATER, VOWS)
    assert risen(FIRST, gone) == {ALL: LATER, SLEEP: LATER, MAY: LATER}
    assert seen_at(gone, MUCH_LATER, VOWS) is gone


def test_a_vanished_post_that_comes_back_as_it_was_counts_again():
    gone = seen_at(FIRST, LATER, VOWS)
    back = seen_at(gone, MUCH_LATER, NAPS, VOWS)
    assert risen(gone, back) == {ALL: MUCH_LATER, SLEEP: MUCH_LATER, MAY: MUCH_LATER}


def test_a_vanished_post_that_comes_back_elsewhere_leaves_its_former_place_as_it_was():
    gone = seen_at(FIRST, LATER, VOWS)
    back = seen_at(gone, MUCH_LATER, replace(NAPS, topics=("trust",)), VOWS)
    assert risen(gone, back) == {ALL: MUCH_LATER, TRUST: MUCH_LATER, MAY: MUCH_LATER}
    assert back.last_modified(SLEEP.holds) == LATER


def test_a_changed_id_counts_though_nothing_else_changed():
    assert risen(FIRST, seen_at(FIRST, LATER, replace(NAPS, id="siesta"), VOWS)) == {
        **dict.fromkeys((ALL, SLEEP, MAY), LATER)
    }


def test_a_new_sentence_counts_in_its_month():
    spoken = replace(SITE, issues={"2021-05": "…sleep", "2021-06": "…trust"})
    assert risen(FIRST, seen_at(FIRST, LATER, NAPS, VOWS, site=spoken)) == {ALL: LATER, JUNE: LATER}


def test_a_mended_and_a_removed_sentence_count():
    mended = seen_at(FIRST, LATER, NAPS, VOWS, site=replace(SITE, issues={"2021-05": "…naps"}))
    assert risen(FIRST, mended) == {ALL: LATER, MAY: LATER}
    removed = seen_at(mended, MUCH_LATER, NAPS, VOWS, site=replace(SITE, issues={}))
    assert risen(mended, removed) == {ALL: MUCH_LATER, MAY: MUCH_LATER}


def test_a_changed_setting_counts_everywhere():
    renamed = replace(SITE, title="Another blog")
    after = seen_at(FIRST, LATER, NAPS, VOWS, site=renamed)
    assert risen(FIRST, after) == dict.fromkeys(EVERY_SELECTION, LATER)


def test_another_program_counts_everywhere():
    after = seen_at(FIRST, LATER, NAPS, VOWS, drawn_by="second edition")
    assert risen(FIRST, after) == dict.fromkeys(EVERY_SELECTION, LATER)


def test_a_change_rises_by_a_second_when_the_clock_went_back_two_days():
    edited = seen_at(FIRST, LATER, replace(NAPS, body="Better."), VOWS)
    early = seen_at(edited, LATER - timedelta(days=2), replace(NAPS, body="Best."), VOWS)
    assert early.last_modified(SLEEP.holds) == LATER + timedelta(seconds=1)


def test_a_second_change_within_the_second_rises_too():
    edited = seen_at(FIRST, LATER, replace(NAPS, body="Better."), VOWS)
    again = seen_at(edited, LATER + timedelta(milliseconds=900), NAPS, VOWS)
    assert again.last_modified(SLEEP.holds) == LATER + timedelta(seconds=1)


def test_moments_are_whole_seconds():
    edited = seen_at(FIRST, LATER + timedelta(microseconds=123456), replace(NAPS, body="Better."), VOWS)
    assert edited.last_modified(SLEEP.holds) == LATER


def test_lost_knowledge_counts_everything_as_changed_now():
    after = seen_at(LOST, LATER, NAPS, VOWS)
    assert risen(FIRST, after) == dict.fromkeys(EVERY_SELECTION, LATER)


def test_of_two_knowledges_the_later_moment_counts():
    one = seen_at(FIRST, LATER, replace(NAPS, body="Better."), VOWS)
    other = seen_at(FIRST, MUCH_LATER, NAPS, replace(VOWS, body="Better."))
    assert merge(one, other).seen == {
        **FIRST.seen,
        "post:naps": one.seen["post:naps"],
        "post:vows": other.seen["post:vows"],
    }
    assert merge(one, FIRST) is one


def test_a_vanished_post_does_not_come_back_from_an_older_knowledge():
    gone = seen_at(FIRST, LATER, VOWS)
    assert merge(FIRST, gone) == gone
    assert merge(gone, FIRST) is gone


def test_a_digest_is_the_same_whatever_the_hash_seed():
    code = (
        "from tests.test_last_modified import SITE, NAPS, digest\n"
        "from pprnet_feeds.serving.snapshot import renderer_digest\n"
        "print(digest([NAPS, SITE, {'b': 1, 'a': 2}]), renderer_digest())"
    )
    root = Path(__file__).parents[1]
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "PYTHONPATH": f"{root / 'src'}:{root}:{root / 'tests'}",
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert told == {f"{digest([NAPS, SITE, {'a': 2, 'b': 1}])} {renderer_digest()}\n"}


def test_a_digest_refuses_what_has_no_canonical_text():
    with pytest.raises(TypeError, match="a set has no canonical text"):
        digest({1, 2})


SOME_POSTS = st.dictionaries(
    st.sampled_from(["naps", "vows", "rest"]),
    st.tuples(
        st.sampled_from([("sleep",), ("trust",), ("sleep", "trust")]),
        st.sampled_from(["One.", "Two."]),
        st.sampled_from(["published", "withdrawn"]),
    ),
)


@given(st.lists(st.tuples(SOME_POSTS, st.integers(-200_000, 200_000)), min_size=2, max_size=6))
def test_whatever_editors_and_clocks_do_a_changed_selection_rises_and_an_unchanged_one_stays(history):
    known, before = Timestamps(), None
    for posts, clock in history:
        now_there = {
            name: replace(post(name, BEGINNING, topics, issue="2021-05", body=body), status=status)
            for name, (topics, body, status) in posts.items()
        }
        after = seen_at(known, NOW + timedelta(seconds=clock), *now_there.values())
        for which in (ALL, SLEEP, TRUST):
            held = {each.id: each for each in now_there.values() if which.holds(each)}
            if before is not None:
                was = {each.id: each for each in before.values() if which.holds(each)}
                moments = known.last_modified(which.holds), after.last_modified(which.holds)
                assert moments[0] < moments[1] if was != held else moments[0] == moments[1]
        known, before = after, now_there


def test_a_post_that_has_been_published_since_counts_from_then():
    ledger = Ledger({NAPS.id: record_of(NAPS, None, LATER)})
    known = replace(library(NAPS), ledger=ledger, recorded=frozenset([NAPS.id]))
    found = resources(known, "first edition")
    assert [thing.since for thing in found if thing.recorded] == [LATER]


def test_the_page_of_a_post_takes_the_newest_change_of_the_site(tmp_path: Path):
    site = shutil.copytree(SITES / "small", tmp_path / "site")
    store = TimestampStore()
    before = build(Settings(site), {}, NOW, store)
    post = site / "posts/2021-06-new.md"
    post.write_text("---\ntitle: New\ndate: 2021-06\ntopics: [alliance]\n---\nText.\n")
    after = build(Settings(site), {}, LATER, store, before)
    for path in ("/posts/2021-03-trust-grows-slowly/", "/issues/2021-03/", "/archive/", "/topics/", "/"):
        was, now = before.find(path), after.find(path)
        assert (was.last_modified, now.last_modified) == (before.known.newest, LATER)
    assert after.find("/topics/sleep-and-rest/").last_modified < LATER


def test_a_ledger_written_after_a_look_waits_for_the_posts_that_were_written_with_it(tmp_path: Path):
    """Else its record of a withdrawal would meet the post from before, and show it to readers again."""
    site = shutil.copytree(SITES / "small", tmp_path / "site")
    store, settings = TimestampStore(), Settings(site)
    before = build(settings, {}, NOW, store)
    found = [each for each in files.entries(site) if not isinstance(each, Problem)]
    signatures = {name: files.signature_of(entry) for entry, name in found} | files.feeds_signatures(site)
    look = Look(found, signatures, lambda name, signature: signatures[name] == signature)
    post = site / "posts/2021-03-trust-grows-slowly.md"
    post.write_text(post.read_text().replace("status: corrected", "status: withdrawn", 1))
    assert CliRunner().invoke(main, ["publish", "--site", str(site)]).exit_code == 0
    assert build(settings, {}, LATER, store, before, look) is before
    assert build(settings, {}, LATER, store, before) is not before
