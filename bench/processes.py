"""Processes that are measured: started on a core, with their children's CPU time and memory.

What a program costs is what its whole tree costs: a builder, a worker, a supervisor.
Time comes from the scheduler in nanoseconds for what still runs, and in hundredths
of a second for what has ended; memory is the proportional share (PSS), which counts
a page that two processes share once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
CORE, CLIENTS = "0", "1"
_TICK = os.sysconf("SC_CLK_TCK")


class Tree:
    """A running program and all that it has started."""

    def __init__(self, process: subprocess.Popen[bytes], port: int = 0) -> None:
        self.process = process
        self.port = port

    def pids(self) -> list[int]:
        """The processes of the tree that run at this moment."""
        parents = {}
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                parents[int(folder.name)] = int(fields[1])
        found = [self.process.pid]
        for pid in found:
            found += [child for child, parent in parents.items() if parent == pid]
        return found

    def cpu(self) -> float:
        """Seconds of CPU that the tree has used."""
        total = 0.0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                own, ended = (int(stat[11]) + int(stat[12])) / _TICK, (int(stat[13]) + int(stat[14])) / _TICK
                threads = 0
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    with contextlib.suppress(OSError):
                        threads += int((thread / "schedstat").read_text().split()[0])
                total += max(own, threads / 1e9) + ended
        return total

    def memory(self) -> int:
        """Bytes of memory that the tree holds (PSS)."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
        return total

    def settle(self, longest: float = 120.0) -> bool:
        """Wait until the tree rests: less than 2 % of a core for a second. False when it never does."""
        end = time.monotonic() + longest
        while time.monotonic() < end:
            was = self.cpu()
            time.sleep(1)
            if self.cpu() - was < 0.02:
                return True
        return False


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def begin(command: Sequence[str], port: int, *, core: str = "", **environ: str) -> Tree:
    """Start a program; on one core when *core* names it."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("PPRNET_", "PORT", "WEB_"))}
    env = kept | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'bench'}"} | environ
    pinned = ["taskset", "-c", core, *command] if core else list(command)
    process = subprocess.Popen(pinned, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Tree(process, port)


def end(tree: Tree) -> None:
    """Stop a program as a host does, and what is left of it after ten seconds by force."""
    left = tree.pids()
    tree.process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        tree.process.wait(10)
    if tree.process.poll() is None:
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        tree.process.wait()


@contextlib.contextmanager
def running(command: Sequence[str], port: int, *, core: str = "", **environ: str) -> Iterator[Tree]:
    """Run a server until the block ends; the block begins when it listens."""
    tree = begin(command, port, core=core, **environ)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and tree.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)
        if tree.process.poll() is not None:
            raise RuntimeError(f"{' '.join(command)} ended with {tree.process.returncode} and does not serve")
        yield tree
    finally:
        end(tree)


def our_command(site: Path) -> list[str]:
    """The command that serves *site*."""
    return [sys.executable, "-m", "pprnet_feeds", "serve", "--site", str(site)]


def our_environ(port: int, home: Path) -> dict[str, str]:
    """Where our service listens, and keeps its state and whatever it remembers: below *home* only."""
    return {
        "PORT": str(port),
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PPRNET_BASE_URL": "https://feeds.example.org",
    }


@contextlib.contextmanager
def ours(site: Path, *, core: str = "", workers: int = 1) -> Iterator[Tree]:
    """Our service on *site*, with a new home, until the block ends."""
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        environ = our_environ(port, Path(home)) | {"WEB_CONCURRENCY": str(workers)}
        with running(our_command(site), port, core=core, **environ) as tree:
            yield tree


def cost(command: Sequence[str], **environ: str) -> tuple[float, float, int]:
    """Run a command to its end: seconds of wall and CPU time with its children, and its greatest memory in bytes.

    Raises RuntimeError, with what it printed, when it fails.
    """
    env = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'bench'}"} | environ
    with tempfile.TemporaryFile() as out:
        begun = time.perf_counter()
        process = subprocess.Popen(command, env=env, stdout=out, stderr=out)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            out.seek(0)
            raise RuntimeError(f"{command[0]} failed: {out.read().decode()[-2000:]}")
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024
