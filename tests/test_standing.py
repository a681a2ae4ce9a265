"""What was answered last is told again where nothing moved, and nothing that is wrong does any harm."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from many import make_site, write_post
from pprnet_feeds.serving import standing
from pprnet_feeds.serving.builder import state_of
from pprnet_feeds.serving.ending import keep_answers
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore
from service import serving

# No file of these tests is young.
OLD = time.time() - 3600
NOW = datetime.now(UTC).replace(microsecond=0)
LISTED = ("/feed.atom", "/topics/alpha/feed.rss", "/research/trials/feed.json", "/topics/beta/")


class Ended:
    """A service on a site of its own that has ended, as far as the next one can tell."""

    def __init__(self, folder: Path) -> None:
        self.site = make_site(folder / "site", 8)
        self.settings = Settings(self.site, "http://127.0.0.1:8000")
        self.environ = {"PPRNET_HUBS": "https://hub.example.org/"}
        self.address = str(folder / "state" / "site.sqlite3")
        self.path = folder / "state" / "site.answers"
        self.age()
        self.snapshot = self.read()
        self.keep()

    def age(self) -> None:
        for path in self.site.rglob("*"):
            os.utime(path, (OLD, OLD))

    def read(self) -> Snapshot:
        # A change of a file's times is told by a clock that nobody can set back: it is an hour later.
        found = build(self.settings, self.environ, NOW + timedelta(hours=1), TimestampStore(self.address))
        assert isinstance(found, Snapshot)
        return found

    def keep(self) -> None:
        made = {path: self.snapshot.find(path) for path in LISTED}
        stamp = standing.stamp_of(self.snapshot, self.settings, self.environ, self.address)
        assert stamp
        answers = {path: answer for path, answer in made.items() if answer}
        assert (
            standing.write(self.path, standing.Standing(stamp, NOW, state_of(self.snapshot, ()), answers))
            == ""
        )

    def load(self, now: datetime = NOW + timedelta(hours=1)) -> standing.Standing | None:
        return standing.load(self.path, self.settings, self.environ, self.address, now)


@pytest.fixture
def ended(tmp_path) -> Ended:
    return Ended(tmp_path)


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Ended:
    return Ended(tmp_path_factory.mktemp("kept"))


def test_every_answer_comes_back_as_it_was(kept):
    told = kept.load()
    assert told is not None
    assert told.state == state_of(kept.snapshot, ())
    assert list(told.answers) == list(LISTED)
    for path, answer in told.answers.items():
        drawn = kept.snapshot.find(path)
        assert drawn is not None
        assert (answer.body, answer.identity, answer.parts()) == (drawn.body, drawn.identity, drawn.parts())
        for headers in ([], [(b"accept-encoding", b"br")], [(b"sec-fetch-dest", b"document")]):
            assert answer.answer(headers) == drawn.answer(headers)


def test_once_told_only_what_answers_are_known_by_is_left(kept):
    told = kept.load()
    assert told is not None
    left = told.without_bodies()
    assert left.answers == {}
    assert left.identities == {path: answer.identity for path, answer in told.answers.items()}


def edited(ended: Ended) -> None:
    write_post(ended.site, 3, text="Other words.")


def added(ended: Ended) -> None:
    write_post(ended.site, 9)


def removed(ended: Ended) -> None:
    next((ended.site / "posts").iterdir()).unlink()


def misnamed(ended: Ended) -> None:
    (ended.site / "posts/new.markdown").touch()


def linked(ended: Ended) -> None:
    (ended.site / "posts/other.md").symlink_to("nowhere")


def set_otherwise(ended: Ended) -> None:
    with (ended.site / "feeds/site.yaml").open("a") as file:
        file.write("rights: All.\n")


def recorded(ended: Ended) -> None:
    with (ended.site / "feeds/ledger.json").open("a") as file:
        file.write("{}")


def told_otherwise(ended: Ended) -> None:
    ended.environ["PPRNET_TITLE"] = "Another"


def listening_elsewhere(ended: Ended) -> None:
    ended.settings = Settings(ended.site, "http://127.0.0.1:8001")


def with_figures(ended: Ended) -> None:
    ended.settings = Settings(ended.site, "http://127.0.0.1:8000", stats=True)


def without_state(ended: Ended) -> None:
    Path(ended.address).unlink()


def with_another_state(ended: Ended) -> None:
    write_post(ended.site, 3, text="Other words.")
    ended.read()
    write_post(ended.site, 3)


@pytest.mark.parametrize(
    "moved",
    [
        *(edited, added, removed, misnamed, linked, set_otherwise, recorded, told_otherwise),
        *(listening_elsewhere, with_figures, without_state, with_another_state),
    ],
)
def test_whatever_moved_has_the_site_read(ended, moved):
    assert ended.load()
    moved(ended)
    assert ended.load() is None


def test_where_we_listen_does_not_matter_beside_a_base_url(ended):
    ended.environ["PPRNET_BASE_URL"] = "https://feeds.example.org"
    ended.snapshot = ended.read()
    ended.keep()
    listening_elsewhere(ended)
    assert ended.load()


def test_nothing_is_told_before_it_was_answered_nor_after_a_release(tmp_path):
    ended = Ended(tmp_path)
    assert ended.load(NOW - timedelta(seconds=1)) is None
    release = NOW + timedelta(days=2)
    write_post(ended.site, 9, date=release.isoformat())
    ended.snapshot = ended.read()
    ended.keep()
    assert ended.load(release - timedelta(seconds=1))
    assert ended.load(release) is None


def test_a_post_so_young_that_an_edit_could_hide_has_the_site_read(ended):
    posts = max(path.stat().st_ctime for path in (ended.site / "posts").iterdir())
    assert ended.load(datetime.fromtimestamp(int(posts) + 1, UTC) + timedelta(hours=1))
    ended.path.write_bytes(ended.path.read_bytes())
    assert standing.signed(ended.site, datetime.fromtimestamp(posts, UTC))[0][1] == b""


@tried(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_costs_only_time(kept, data):
    good = kept.path.read_bytes()
    place = data.draw(st.integers(0, len(good) - 1) | st.integers(0, 2000))
    flipped = good[:place] + bytes([good[place] ^ 1 << place % 8]) + good[place + 1 :]
    bad = data.draw(st.sampled_from([good[:place], flipped, b"x" * place]))
    try:
        kept.path.write_bytes(bad)
        assert kept.load() is None
    finally:
        kept.path.write_bytes(good)


def test_what_another_user_could_have_written_is_not_believed(ended):
    ended.path.chmod(0o666)
    assert ended.load() is None


def test_a_link_is_not_followed(ended):
    ended.path.rename(ended.path.with_suffix(".other"))
    ended.path.symlink_to(ended.path.with_suffix(".other"))
    assert ended.load() is None


def test_at_the_end_the_answers_are_kept_of_a_site_that_stands_still(ended):
    ended.path.unlink()
    arguments = (ended.path, ended.settings, ended.environ, ended.address)
    keep_answers(*arguments, lambda: [], LISTED)
    keep_answers(*arguments, ended.read, ())
    assert not ended.path.exists()

    def meanwhile() -> Snapshot:
        built = ended.read()
        edited(ended)
        return built

    keep_answers(*arguments, meanwhile, LISTED)
    assert not ended.path.exists() or ended.load() is None


@pytest.mark.slow
def test_a_restarted_service_answers_the_same_and_hears_of_edits(tmp_path):
    site, state = make_site(tmp_path / "site", 8), str(tmp_path / "states")
    for path in site.rglob("*"):
        os.utime(path, (OLD, OLD))
    time.sleep(2.1)  # no file is so young any more that an edit could hide
    with serving(site, XDG_STATE_HOME=state) as service:
        before = [service.ask(path) for path in LISTED]
        assert service.stop() == 0
    assert len(list(Path(state).rglob("*.answers"))) == 1
    with serving(site, XDG_STATE_HOME=state) as service:
        after = [service.ask(path) for path in LISTED]
        for one, other in zip(before, after, strict=True):
            assert one.body == other.body
            assert one.headers | {"date": ""} == other.headers | {"date": ""}
        write_post(site, 7, text="Words of the last minute.")
        since = time.monotonic()
        while b"Words of the last minute" not in service.ask("/feed.atom").body:
            assert time.monotonic() - since < 4
            time.sleep(0.03)
        assert service.stop() == 0
    write_post(site, 6, text="Words while it was down.")
    with serving(site, XDG_STATE_HOME=state) as service:
        body = service.ask("/feed.atom").body
        assert b"Words of the last minute" in body
        assert b"Words while it was down" in body
