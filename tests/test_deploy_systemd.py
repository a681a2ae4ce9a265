"""The shipped unit: what systemd thinks of it, and its commands run as it would run them.

systemd itself does not run here. What it would enforce (the user, the read-only
disk, the limits) is judged by `systemd-analyze` alone; only that nothing wants
memory that is writable and executable is tried for real.
"""

from __future__ import annotations

import contextlib
import http.client
import shlex
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from many import make_site
from proxies import DEPLOY, directives, exec_start, found, free_port, nginx
from service import ROOT, Service

UNIT = "systemd/pprnet-feeds@.service"
# PR_SET_MDWE with PR_MDWE_REFUSE_EXEC_GAIN (prctl(2), Linux 6.3): what MemoryDenyWriteExecute= asks for.
STRICT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


def settled(text: str, port: int, site: Path, state: Path) -> str:
    """A line of the unit with the paths of this machine."""
    changed = {
        "/opt/pprnet-feeds/.venv/bin/python": sys.executable,
        "/opt/pprnet-feeds": str(ROOT),
        "/srv/blog": str(site),
        "%S": str(state),
        "%C": str(state / "cache"),
        "%i": str(port),
    }
    for key, value in changed.items():
        text = text.replace(key, value)
    return text


@contextlib.contextmanager
def instance(port: int, site: Path, state: Path, **environ: str) -> Iterator[Service]:
    """Start what the unit starts, with its environment and no other; it is started when systemd says so."""
    for folder in ("pprnet-feeds", "cache/pprnet-feeds"):  # StateDirectory and CacheDirectory
        (state / folder).mkdir(exist_ok=True, parents=True)
    given = [settled(value, port, site, state) for key, value in directives(UNIT) if key == "Environment"]
    variables = dict(word.split("=", 1) for line in given for word in shlex.split(line))
    command = [settled(word, port, site, state) for word in exec_start(UNIT)]
    process = subprocess.Popen(
        [sys.executable, "-c", STRICT, *command],
        cwd="/", env={"PATH": "/usr/bin:/bin", **variables, **environ}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        found("curl", "curl")
        after = next(
            settled(value, port, site, state) for key, value in directives(UNIT) if key == "ExecStartPost"
        )
        subprocess.run(shlex.split(after), check=True, timeout=60, stderr=subprocess.DEVNULL)
        yield Service(process, port)
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory.mktemp("site"), 12)


def test_systemd_understands_every_line_and_finds_little_exposed(tmp_path: Path, site: Path):
    analyze = found("systemd-analyze", "systemd")
    text = settled((DEPLOY / UNIT).read_text("utf-8").replace("%i", "I%i"), 0, site, tmp_path)
    unit = tmp_path / Path(UNIT).name
    unit.write_text(text.replace("I0", "%i"))
    verified = subprocess.run(
        [analyze, "verify", str(unit)], capture_output=True, text=True, timeout=30, check=False
    )
    complaints = [line for line in verified.stderr.splitlines() if unit.name.partition("@")[0] in line]
    assert (verified.returncode, complaints) == (0, [])
    # 10 is a service without any protection, 9.2 an unchanged one; here in tenths.
    judge = [analyze, "security", "--no-pager", "--offline=yes", "--threshold=20", str(unit)]
    judged = subprocess.run(judge, capture_output=True, text=True, timeout=30, check=False)
    assert judged.returncode == 0, judged.stdout[-300:]


def test_it_begins_once_the_clock_is_right():
    for key in ("Wants", "After"):
        assert (
            "time-sync.target" in " ".join(value for name, value in directives(UNIT) if name == key).split()
        )


@pytest.mark.slow
def test_it_serves_from_the_units_command_and_environment_and_ends_with_0(tmp_path: Path, site: Path):
    before = sorted(site.rglob("*"))
    with instance(free_port(), site, tmp_path, WEB_CONCURRENCY="2") as service:
        assert service.ask("/feed.atom", Accept_Encoding="br").headers["content-encoding"] == "br"
        assert [pid for pid, maps in memory(service.process.pid).items() if " rwx" in maps] == []
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < 15  # TimeoutStopSec
    assert (tmp_path / "pprnet-feeds/state.sqlite3").exists()
    assert sorted(site.rglob("*")) == before


def memory(pid: int) -> dict[int, str]:
    """What a process and those it has started have mapped."""
    maps = {pid: Path(f"/proc/{pid}/maps").read_text()}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        maps |= memory(int(child))
    return maps


def test_what_the_document_restarts_in_turn_are_instances_of_the_unit():
    document = (ROOT / "docs/operator/proxy.md").read_text("utf-8")
    unit = Path(UNIT).name.partition("@")[0]
    assert f"systemctl restart {unit}@8001 && systemctl restart {unit}@8002" in document


@pytest.mark.slow
def test_restarting_two_instances_in_turn_drops_no_request(tmp_path: Path, site: Path):
    ports = [free_port(), free_port()]
    running: list[contextlib.ExitStack] = []
    services = []
    for port in ports:
        running.append(contextlib.ExitStack())
        services.append(running[-1].enter_context(instance(port, site, tmp_path)))
    (tmp_path / "nginx").mkdir()
    with nginx(tmp_path / "nginx", *ports) as proxy, load(proxy) as statuses:
        time.sleep(1)
        for number, port in enumerate(ports):
            assert services[number].stop() == 0
            running[number].close()
            running[number] = contextlib.ExitStack()
            services[number] = running[number].enter_context(instance(port, site, tmp_path))
            time.sleep(0.5)
    for stack in running:
        stack.close()
    assert set(statuses) == {200}
    assert statuses[200] > 100


@contextlib.contextmanager
def load(proxy: Service) -> Iterator[Counter[object]]:
    """Readers in four threads, whose requests all reach the service; how they were answered."""
    ended = threading.Event()
    counts: Counter[object] = Counter()

    def read() -> None:
        while not ended.is_set():
            try:
                counts[proxy.ask("/feeds.opml?topic=alpha").status] += 1
                counts[proxy.ask("/oembed?url=https://many.example.org/", Connection="close").status] += 1
            except (OSError, http.client.HTTPException) as error:
                counts[repr(error)] += 1

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        ended.set()
        for thread in threads:
            thread.join()
