"""Start the programs that are measured, and read what their whole process trees use."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
CORE, CLIENTS = "0", "1"  # servers run on the first core, clients on the second


class Tree:
    """A running program and every process that it has started."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = psutil.Process(process.pid)
        self.port = port

    def processes(self) -> list[psutil.Process]:
        """Those that run now."""
        return [self._process, *self._process.children(recursive=True)]

    def cpu(self) -> float:
        """Seconds of CPU used so far, ended children included."""
        return sum(sum(process.cpu_times()[:4]) for process in self.processes())

    def memory(self) -> float:
        """Megabytes of memory in use; a page that two processes share counts once (PSS)."""
        return sum(process.memory_full_info().pss for process in self.processes()) / 1e6

    def settle(self, longest: float = 120.0) -> None:
        """Wait until the tree uses no more than 2 % of a core for a second."""
        end = time.monotonic() + longest
        while time.monotonic() < end:
            before = self.cpu()
            time.sleep(1)
            if self.cpu() - before <= 0.02:
                return
        raise TimeoutError("the program does not come to rest")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    command: Sequence[str], port: int, *, core: str = "", wait: bool = True, **environ: str
) -> Iterator[Tree]:
    """Run a server until the block ends. The block begins when it listens, or at once without *wait*."""
    inherited = {n: v for n, v in os.environ.items() if not n.startswith(("PPRNET_", "PORT", "WEB_"))}
    env = inherited | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'bench'}"} | environ
    pinned = ["taskset", "-c", core, *command] if core else list(command)
    process = subprocess.Popen(pinned, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tree = Tree(process, port)
    try:
        until = time.monotonic() + 60
        while wait and time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)
        if process.poll() is not None:
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
        yield tree
    finally:
        left = tree.processes() if process.poll() is None else []
        process.terminate()
        _, alive = psutil.wait_procs(left, timeout=10)
        for each in alive:
            each.kill()
        process.wait()


@contextlib.contextmanager
def service(
    site: Path, *, core: str = "", python: str = sys.executable, src: Path = ROOT / "src", **environ: str
) -> Iterator[Tree]:
    """Our service on *site* with a new home. *python* and *src* may be those of another version."""
    with tempfile.TemporaryDirectory() as home:
        port = free_port()
        folders = {"HOME": home, "XDG_STATE_HOME": f"{home}/state", "XDG_CACHE_HOME": f"{home}/cache"}
        names = {"PPRNET_BASE_URL": "https://feeds.example.org", "PYTHONPATH": str(src)}
        environ = folders | names | {"PORT": str(port)} | environ
        command = [python, "-m", "pprnet_feeds", "serve", "--site", str(site)]
        with running(command, port, core=core, wait=False, **environ) as tree:
            yield tree


def cost(command: Sequence[str | Path], **environ: str) -> tuple[float, float]:
    """Run a command to its end: seconds of wall and of CPU time. Raises CalledProcessError when it fails."""
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")} | environ
    begun, before = time.perf_counter(), os.times()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begun, spent
