"""What a poll costs: ours with and without the fast path, beside a bare ASGI callable and nginx.

All servers run on one core at the same time; clients have the other core. The bare callable sends the same bytes
and headers on uvicorn with the same options. nginx serves them as files, precompressed, with `open_file_cache`.

    ./run bench serve             writes the section "Serving" of RESULTS.md
"""

import contextlib
import json
import os
import sys
import tempfile
from base64 import b64encode
from pathlib import Path
from statistics import median

import results
from client import Client, first_answer, load

from processes import CORE, ROOT, Tree, free_port, running, service

UVICORN = ["--http", "httptools", "--loop", "uvloop", "--no-access-log", "--no-proxy-headers"]
UVICORN += ["--no-server-header", "--log-level", "warning"]
NGINX = """
{user} worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
include /etc/nginx/modules-enabled/*brotli-static*.conf;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; server_tokens off;
    open_file_cache max=100; open_file_cache_valid 60s; types {{ application/atom+xml atom; }} charset utf-8;
    client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
    uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
    server {{
        listen 127.0.0.1:{port}; root {folder}; gzip_static on; brotli_static on;
        {headers}
    }}
}}
"""
CASES: dict[str, dict[str, str]] = {"full": {}} | {name: {"Accept-Encoding": name} for name in ("gzip", "br")}
# What nginx writes by itself.
OWN = {"date", "content-type", "content-length", "content-encoding", "etag", "last-modified", "connection"}


def record(port: int, folder: Path) -> dict[str, dict[str, str]]:
    """Store our responses for the others; gives the request headers of each case."""
    answers: list[tuple[str, int, dict[str, str], str]] = []
    cases, headers = dict(CASES), dict[str, str]()
    with Client(port) as client:
        for name in ("full", "gzip", "br", "304"):
            if name == "304":
                cases[name] = {"If-None-Match": answers[0][2]["etag"]}
            found = client.get("/feed.atom", cases[name])
            headers = {n: value for n, value in found.headers.items() if n not in ("date", "connection")}
            answers.append((f"/{name}", found.status, headers, b64encode(found.body).decode()))
            suffix = {"gzip": ".gz", "br": ".br"}.get(name, "")
            if name != "304":
                (folder / f"feed.atom{suffix}").write_bytes(found.body)
    (folder / "answers.json").write_text(json.dumps(answers))
    lines = [f"add_header {n} {json.dumps(v)};" for n, v in headers.items() if n not in OWN]
    (folder / "headers.conf").write_text("\n".join(lines))
    return cases


def bare(folder: Path) -> contextlib.AbstractContextManager[Tree]:
    """The recorded responses from a bare ASGI callable."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "bare:app", "--port", str(port), *UVICORN]
    return running(command, port, core=CORE, BENCH_ANSWERS=str(folder / "answers.json"))


def nginx(folder: Path) -> contextlib.AbstractContextManager[Tree]:
    """The recorded bytes as files, served by nginx."""
    port, conf = free_port(), folder / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""
    headers = (folder / "headers.conf").read_text()
    conf.write_text(NGINX.format(folder=folder, port=port, user=user, headers=headers))
    return running(["nginx", "-e", f"{folder}/error.log", "-c", str(conf)], port, core=CORE)


def main() -> None:
    options = results.arguments(rounds=5)
    seconds = 1 if options.quick else 4
    rows, figures = list[list[str]](), dict[str, float]()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fast = stack.enter_context(service(ROOT, core=CORE))
        slow = stack.enter_context(service(ROOT, core=CORE, PPRNET_FAST_PATH="off"))
        for tree in (fast, slow):
            first_answer(tree.port, "/feed.atom")
        cases = record(fast.port, folder)
        asgi = stack.enter_context(bare(folder))
        static = stack.enter_context(nginx(folder))
        with Client(static.port) as client:
            etag = client.get("/feed.atom").headers["etag"]
        for name, headers in cases.items():
            mine = [(tree, "/feed.atom", headers) for tree in (fast, slow)]
            runs = [load([*mine, (asgi, f"/{name}", headers)], seconds) for _ in range(options.rounds)]
            theirs = {"If-None-Match": etag} if name == "304" else headers
            pairs = [load([mine[0], (static, "/feed.atom", theirs)], seconds) for _ in range(options.rounds)]
            ratios = {
                f"bare.{name}": [run[2].cpu / run[0].cpu for run in runs],
                f"slow.{name}": [run[2].cpu / run[1].cpu for run in runs],
                f"nginx.{name}": [ours.rate / theirs.rate for ours, theirs in pairs],
            }
            figures |= {key: median(values) for key, values in ratios.items()}
            costs = [median([run[at].cpu for run in runs]) for at in (0, 1, 2)]
            rows.append([name, *(f"{value:.1f}" for value in costs), *map(results.spread, ratios.values())])
    heads = "answer | ours | fast path off | bare | bare / ours | bare / off | requests/s, ours / nginx"
    text = (
        f"Medians of {options.rounds} rounds of {seconds} s, in brackets the least and the greatest; keep-alive, one process each. "
        f"The main Atom feed of the repository's posts. CPU in µs a request; a ratio above 1 means that ours is cheaper.\n\n"
        + results.table(heads, rows)
    )
    results.write(options, "Serving", text, figures)


if __name__ == "__main__":
    main()
