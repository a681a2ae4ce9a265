"""What a poll costs: ours beside a bare ASGI callable and nginx, in the same minutes.

Nearness to bare ASGI is measured with both servers on the same core at once, by
CPU time a request, because bursts in turn scatter by 15 %. A second bare server
runs beside them: how far the two bare ones differ is the error of the method.
nginx is measured in turns with ours, each alone on the core.

    ./run bench                   writes the section "Serving" of bench/RESULTS.md
    ./run bench --rounds 1        a quick look
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "RESULTS.md"
CORE, CLIENTS = "0", "1"
OPTIONS = ["--http", "httptools", "--loop", "uvloop", "--no-access-log", "--no-proxy-headers"]
OPTIONS += ["--no-server-header", "--log-level", "warning"]
NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log; {load}
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; types {{ application/atom+xml atom; }}
    client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
    uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
    server {{ listen 127.0.0.1:{port}; root {folder}; gzip_static on; }}
}}
"""


def main() -> None:
    """Measure every case and write the figures down."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=4)
    arguments.add_argument("--print", action="store_true", help="print only, leave RESULTS.md alone")
    options = arguments.parse_args()
    missing = [name for name in ("wrk", "nginx", "taskset") if not shutil.which(name)]
    if missing:
        packages = {"wrk": "wrk", "nginx": "nginx", "taskset": "util-linux"}
        sys.exit(
            f"bench: install what is missing: sudo apt-get install {' '.join(packages[m] for m in missing)}"
        )
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        text = measure(Path(folder), stack, options.rounds, options.seconds)
    print(text)
    if not options.print:
        write(text)


def measure(folder: Path, stack: contextlib.ExitStack, rounds: int, seconds: int) -> str:
    """Start all servers, measure all cases, give the section as Markdown."""
    ours = stack.enter_context(ours_running())
    cases = {"full": {}, "gzip": {"Accept-Encoding": "gzip"}, "br": {"Accept-Encoding": "br"}}
    recorded = {name: ask(ours.port, "/feed.atom", headers) for name, headers in cases.items()}
    cases["304"] = {"If-None-Match": dict(recorded["full"][1])["etag"]}
    recorded["304"] = ask(ours.port, "/feed.atom", cases["304"])
    answers = folder / "answers.json"
    answers.write_text(
        json.dumps([[f"/{name}", s, h, b64encode(b).decode()] for name, (s, h, b) in recorded.items()])
    )
    bare = [stack.enter_context(bare_running(answers)) for _ in range(2)]
    (folder / "feed.atom").write_bytes(recorded["full"][2])
    (folder / "feed.atom.gz").write_bytes(recorded["gzip"][2])
    nginx = stack.enter_context(nginx_running(folder))
    etag = dict(ask(nginx.port, "/feed.atom", {})[1])["etag"]
    lines = [
        "| answer | bytes | CPU a request, ours | bare ASGI | nearness by CPU | by requests | bare beside bare |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    beside = [
        "| answer | ours alone, requests/s | nginx alone | ours / nginx |",
        "| --- | ---: | ---: | ---: |",
    ]
    for name, headers in cases.items():
        figures = []
        for _ in range(rounds):
            targets = [(ours, "/feed.atom"), (bare[0], f"/{name}"), (bare[1], f"/{name}")]
            figures.append(together(targets, headers, seconds))
        cost = [statistics.median(figure[place][0] for figure in figures) for place in range(3)]
        near = statistics.median((f[1][0] + f[2][0]) / 2 / f[0][0] for f in figures)
        rate = statistics.median(f[0][1] / ((f[1][1] + f[2][1]) / 2) for f in figures)
        error = statistics.median(f[1][0] / f[2][0] for f in figures)
        size = len(recorded[name][2])
        lines.append(
            f"| {name} | {size} | {cost[0]:.1f} µs | {(cost[1] + cost[2]) / 2:.1f} µs "
            f"| **{near:.2f}** | {rate:.2f} | {error:.2f} |"
        )
        if name != "br":
            theirs = headers | ({"If-None-Match": etag} if name == "304" else {})
            alone = [together([(ours, "/feed.atom")], headers, seconds)[0][1] for _ in range(rounds)]
            static = [together([(nginx, "/feed.atom")], theirs, seconds)[0][1] for _ in range(rounds)]
            a, b = statistics.median(alone), statistics.median(static)
            beside.append(f"| {name} | {a:,.0f} | {b:,.0f} | {a / b:.2f} |")
    lines.append("")
    return "\n".join([heading(rounds, seconds), "", *lines, *beside, ""])


class Server:
    """A running server and what it has cost so far."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def cpu(self) -> float:
        """Seconds of CPU used by the process and its children that still run."""
        total = 0.0
        for pid in [self.process.pid, *children(self.process.pid)]:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return total


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def together(
    targets: list[tuple[Server, str]], headers: dict[str, str], seconds: int
) -> list[tuple[float, float]]:
    """Load all targets at once; CPU µs a request and requests a second of each."""
    before = [server.cpu() for server, _ in targets]
    fields = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    runs = [
        subprocess.Popen(
            [
                "taskset",
                "-c",
                CLIENTS,
                "wrk",
                "-t1",
                "-c16",
                f"-d{seconds}s",
                *fields,
                f"http://127.0.0.1:{s.port}{path}",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        for s, path in targets
    ]
    outputs = [run.communicate()[0] for run in runs]
    counts = [int(re.search(r"(\d+) requests in", output)[1]) for output in outputs]  # type: ignore[index]
    assert all(
        "Non-2xx" not in output or "304" in str(headers) or "If-None" in str(headers) for output in outputs
    )
    spent = [server.cpu() - was for (server, _), was in zip(targets, before, strict=True)]
    return [(cpu * 1e6 / count, count / seconds) for cpu, count in zip(spent, counts, strict=True)]


def ask(port: int, path: str, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
    """One request; without the date, which the server adds itself."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.putrequest("GET", path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        kept = [(n.lower(), v) for n, v in response.getheaders() if n.lower() not in ("date", "connection")]
        return response.status, kept, response.read()


@contextlib.contextmanager
def running(command: list[str], port: int, **environ: str) -> Iterator[Server]:
    """Run a server on its core until the block ends."""
    env = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'bench'}"} | environ
    process = subprocess.Popen(["taskset", "-c", CORE, *command], env=env, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield Server(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ours_running() -> contextlib.AbstractContextManager[Server]:
    port = free_port()
    command = [sys.executable, "-m", "pprnet_feeds", "serve", "--site", str(ROOT)]
    return running(command, port, PORT=str(port), PPRNET_BASE_URL="https://feeds.example.org")


def bare_running(answers: Path) -> contextlib.AbstractContextManager[Server]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bare:app", "--port", str(port), *OPTIONS]
    return running(command, port, BENCH_ANSWERS=str(answers))


def nginx_running(folder: Path) -> contextlib.AbstractContextManager[Server]:
    port = free_port()
    conf = folder / "nginx.conf"
    conf.write_text(NGINX.format(folder=folder, port=port, load="user root;" if os.getuid() == 0 else ""))
    return running(["nginx", "-e", f"{folder}/error.log", "-c", str(conf)], port)


def heading(rounds: int, seconds: int) -> str:
    """The machine and the versions: figures without them mean nothing."""
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr.strip()
    return "\n".join(
        [
            "## Serving",
            "",
            f"`./run bench`, {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores of {cpu[1] if cpu else '?'}, "
            f"Python {platform.python_version()}, uvicorn {version('uvicorn')}, starlette {version('starlette')}, "
            f"{nginx.partition(': ')[2]}; medians of {rounds} rounds of {seconds} s, keep-alive, one process each, "
            "all servers on one core and the clients on another.",
            "",
            "The main Atom feed of the repository's posts. *Nearness* is bare ASGI's cost divided by ours, the bare "
            "callable sending the same bytes and headers on the same uvicorn with the same options; 1.00 is as fast. "
            "*Bare beside bare* is the error of the method.",
        ]
    )


def write(text: str) -> None:
    """Replace the section of this bench and keep the others."""
    was = RESULTS.read_text() if RESULTS.exists() else "# What was measured\n"
    title = text.partition("\n")[0]
    before, found, after = was.partition(f"{title}\n")
    rest = after[after.find("\n## ") + 1 :] if found and "\n## " in after else ""
    RESULTS.write_text(before.rstrip("\n") + "\n\n" + text + ("\n" + rest if rest else ""))


if __name__ == "__main__":
    main()
