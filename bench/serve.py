"""What a poll costs: ours beside bare ASGI callables, a Starlette route and nginx, in the same minutes.

Nearness to bare ASGI is measured with all servers on the same core at once, by
CPU time a request, because bursts in turn scatter by 15 %. A second bare server
runs beside them: how far the two bare ones differ is the error of the method.
nginx is measured in turns with ours, each alone on the core.

    ./run bench serve             writes the section "Serving" of bench/RESULTS.md
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

import plots
import results
from asking import Connection
from load import Load, together

from processes import CORE, ROOT, Tree, free_port, ours, running

OPTIONS = ["--http", "httptools", "--loop", "uvloop", "--no-access-log", "--no-proxy-headers"]
OPTIONS += ["--no-server-header", "--log-level", "warning"]
CASES: dict[str, dict[str, str]] = {
    "full": {},
    "gzip": {"Accept-Encoding": "gzip"},
    "br": {"Accept-Encoding": "br"},
}
NGINX = """
worker_processes {workers}; daemon off; pid {folder}/pid; error_log {folder}/error.log; {load}
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; types {{ application/atom+xml atom; }}
    client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
    uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
    server {{ listen 127.0.0.1:{port}; root {folder}; gzip_static on; }}
}}
"""


def record(port: int, folder: Path) -> dict[str, dict[str, str]]:
    """Write down the service's answers for the rivals, and give the headers that ask for each."""
    cases, answers = dict(CASES), []
    with contextlib.closing(Connection(port)) as connection:
        for name in ("full", "gzip", "br", "304"):
            if name == "304":
                cases[name] = {"If-None-Match": answers[0][2]["etag"]}
            found = connection.ask("/feed.atom", cases[name])
            headers = {
                key: value for key, value in found.headers.items() if key not in ("date", "connection")
            }
            answers.append((f"/{name}", found.status, headers, found.body))
    told = [
        [path, status, list(headers.items()), b64encode(body).decode()]
        for path, status, headers, body in answers
    ]
    (folder / "answers.json").write_text(json.dumps(told))
    (folder / "feed.atom").write_bytes(answers[0][3])
    (folder / "feed.atom.gz").write_bytes(answers[1][3])
    return cases


def bare(
    folder: Path, *options: str, app: str = "bare:app", core: str = CORE
) -> contextlib.AbstractContextManager[Tree]:
    """A server of the recorded answers on uvicorn."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), *options]
    return running(command, port, core=core, BENCH_ANSWERS=str(folder / "answers.json"))


def nginx(folder: Path, *, workers: int = 1, core: str = CORE) -> contextlib.AbstractContextManager[Tree]:
    """The recorded answers as files, one of them compressed, before nginx."""
    port = free_port()
    conf = folder / f"nginx{workers}.conf"
    load = "user root;" if os.getuid() == 0 else ""
    conf.write_text(NGINX.format(folder=folder, port=port, workers=workers, load=load))
    return running(["nginx", "-e", f"{folder}/error.log", "-c", str(conf)], port, core=core)


def nginx_etag(port: int) -> str:
    """What nginx calls the file."""
    with contextlib.closing(Connection(port)) as connection:
        return connection.ask("/feed.atom").headers["etag"]


def main() -> None:
    options = results.arguments(rounds=5)
    results.need("wrk", "nginx", "taskset")
    seconds = 1 if options.quick else 4
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        service = stack.enter_context(ours(ROOT, core=CORE))
        cases = record(service.port, folder)
        service.settle(20)
        rivals = [stack.enter_context(bare(folder, *OPTIONS)) for _ in range(2)]
        rivals.append(stack.enter_context(bare(folder)))
        rivals.append(stack.enter_context(bare(folder, *OPTIONS, app="routed:app")))
        static = stack.enter_context(nginx(folder))
        etag = nginx_etag(static.port)
        rows, beside, figures = [], [], {}
        for name, headers in cases.items():
            targets = [
                (service, service.port, "/feed.atom"),
                *((rival, rival.port, f"/{name}") for rival in rivals),
            ]
            runs = [together(targets, headers, seconds) for _ in range(options.rounds)]
            rows.append(near(name, runs, figures))
            if name == "gzip":
                names = (
                    "ours",
                    "bare ASGI",
                    "bare ASGI again",
                    "bare ASGI, uvicorn's defaults",
                    "Starlette route",
                )
                bars = [
                    (who, results.median([run[place].cpu for run in runs])) for place, who in enumerate(names)
                ]
                picture = plots.bars("CPU a request, gzip, all at once on one core", bars, "µs")
            if name != "br":
                theirs = headers | ({"If-None-Match": etag} if name == "304" else {})
                alone, other = [], []
                for _ in range(options.rounds):
                    alone += together([(service, service.port, "/feed.atom")], headers, seconds)
                    other += together([(static, static.port, "/feed.atom")], theirs, seconds)
                beside.append(against_nginx(name, alone, other, figures))
        size = len((folder / "feed.atom").read_bytes())
    text = (
        f"Medians of {options.rounds} rounds of {seconds} s, in brackets the least and the greatest; keep-alive, one process each, servers on one core and clients on another. "
        f"The main Atom feed of the repository's posts, {size:,} bytes.\n\n"
        "All at once on one core. *Nearness* is bare ASGI's CPU a request divided by ours, the bare callable sending the same bytes and headers "
        "on the same uvicorn with the same options; 1 is as fast. *Bare beside bare* is the error of the method; *defaults* is the bare callable on uvicorn's "
        "own options, *route* a Starlette route, both divided by ours.\n\n![Serving](serve.svg)\n\n"
        + results.markdown(
            [
                "answer",
                "ours, µs",
                "bare, µs",
                "nearness",
                "by requests/s",
                "bare beside bare",
                "defaults",
                "by requests/s",
                "route",
            ],
            rows,
        )
        + "\nIn turns, each alone on the core.\n\n"
        + results.markdown(
            ["answer", "ours, requests/s", "nginx static", "ours / nginx", "CPU, ours", "CPU, nginx"], beside
        )
    )
    results.write(options, "Serving", text, figures, {"serve": picture})


def near(name: str, runs: list[list[Load]], figures: dict[str, float]) -> list[str]:
    """One answer's line: ours, two bare ones, the defaults, a route."""

    def ratios(place: int, what: str) -> list[float]:
        found = []
        for run in runs:
            ours, theirs = getattr(run[0], what), getattr(run[place], what)
            if place == 1:
                theirs = (theirs + getattr(run[2], what)) / 2
            found.append(theirs / ours if what == "cpu" else ours / theirs)
        return found

    for label, place in (("bare", 1), ("default", 3)):
        for what in ("cpu", "rate"):
            figures[f"{label}.{what}.{name}"] = results.median(ratios(place, what))
    costs = [
        results.median([run[0].cpu for run in runs]),
        results.median([(run[1].cpu + run[2].cpu) / 2 for run in runs]),
    ]
    cells = [results.spread(ratios(place, what)) for place, what in ((1, "cpu"), (1, "rate"))]
    error = results.spread([run[1].cpu / run[2].cpu for run in runs])
    others = [results.spread(ratios(place, what)) for place, what in ((3, "cpu"), (3, "rate"), (4, "cpu"))]
    return [name, *(f"{cost:.1f}" for cost in costs), *cells, error, *others]


def against_nginx(name: str, ours: list[Load], theirs: list[Load], figures: dict[str, float]) -> list[str]:
    rates = [[load.rate for load in loads] for loads in (ours, theirs)]
    ratio = results.median(rates[0]) / results.median(rates[1])
    figures[f"nginx.{name}"] = ratio
    costs = [f"{results.median([load.cpu for load in loads]):.1f} µs" for loads in (ours, theirs)]
    return [name, *(results.spread(rate, "{:,.0f}") for rate in rates), f"{ratio:.2f}", *costs]


if __name__ == "__main__":
    main()
