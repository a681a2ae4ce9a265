"""What only nginx does, as it is shipped: https, and a base URL with a path."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from many import make_site
from proxies import found, free_port, nginx, shipped
from service import ROOT, Answer, Service, serving

pytestmark = pytest.mark.slow  # each needs nginx

HOST = "feeds.example.org"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    site = make_site(tmp_path_factory.mktemp("site"), 8)
    with serving(site, PPRNET_BASE_URL="https://example.org/blog") as running:
        yield running


# --- https ---


def with_tls(folder: Path, service: Service, port: int) -> dict[str, str]:
    """Put a certificate and the shipped tls.conf in place; what is to be changed in the server."""
    pair = [f"{folder}/fullchain.pem", f"{folder}/privkey.pem"]
    arguments = ["-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={HOST}", "-days", "2",
                 "-addext", f"subjectAltName=DNS:{HOST}", "-out", pair[0], "-keyout", pair[1]]  # fmt: skip
    subprocess.run(
        [found("openssl", "openssl"), "req", *arguments], check=True, capture_output=True, timeout=30
    )
    changed = {
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
        "listen [::]:443 ssl http2;": "",
        "/etc/letsencrypt/live/feeds.example.org": str(folder),
    }
    text = shipped("nginx/tls.conf", **changed)
    (folder / "pprnet-feeds").mkdir(exist_ok=True)
    (folder / "pprnet-feeds/tls.conf").write_text(text)
    return {"#include pprnet-feeds/tls.conf;": "include pprnet-feeds/tls.conf;"}


def test_over_https_and_http2_come_the_same_bytes_and_the_word_to_stay(service: Service, tmp_path: Path):
    curl = found("curl", "curl")
    port = free_port()
    further = with_tls(tmp_path, service, port)
    with nginx(tmp_path, service.port, further=further) as proxy:
        trusted = ["--cacert", f"{tmp_path}/fullchain.pem", "--resolve", f"{HOST}:{port}:127.0.0.1"]
        done = subprocess.run(
            [curl, "-sS", "--http2", *trusted, "-D", f"{tmp_path}/head", f"https://{HOST}:{port}/feed.atom"],
            capture_output=True, check=True, timeout=20,
        )  # fmt: skip
        head = (tmp_path / "head").read_text()
        direct = service.ask("/feed.atom")
        assert done.stdout == direct.body
        assert head.startswith("HTTP/2 200")
        assert "strict-transport-security: max-age=31536000" in head
        assert f"etag: {direct.headers['etag']}" in head

        plain = proxy.ask("/feed.atom?x=1")
        assert (plain.status, plain.headers["location"]) == (301, f"https://{HOST}/feed.atom?x=1")


# --- a base URL with a path ---


@pytest.fixture(scope="module")
def blog(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Before the service at https://example.org/blog: its location, in the server of another site."""
    folder = tmp_path_factory.mktemp("blog")
    text = (ROOT / "docs/operator/proxy.md").read_text("utf-8")
    (location,) = re.findall(r"```nginx\n(location = /blog .*?)```", text, re.DOTALL)
    root = "    location / {\n        include pprnet-feeds/proxy.conf;\n    }"
    further = {
        '"~^(?<pprnet_rest>/[^?#]*)" $pprnet_rest;': '"~^/blog(?<pprnet_rest>/[^?#]*)" $pprnet_rest;',
        root: f"location / {{ return 418; }}\n{location}",
    }
    with nginx(folder, service.port, further=further) as proxy:
        yield proxy


def lasting(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    passing = {"server", "date", "connection"}
    return answer.status, {k: v for k, v in answer.headers.items() if k not in passing}, answer.body


@pytest.mark.parametrize(
    "path", ["/", "/feed.atom", "/site.css", "/topics/alpha", "/feeds.opml?topic=alpha", "/nobody"]
)
def test_below_a_path_comes_what_the_service_answers_without_it(blog: Service, service: Service, path: str):
    assert lasting(blog.ask(f"/blog{path}")) == lasting(service.ask(path))


def test_every_address_on_a_page_below_a_path_leads_through_the_proxy(blog: Service):
    todo, seen = ["https://example.org/blog/"], set()
    while todo and len(seen) < 120:
        address = todo.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = blog.ask(address.removeprefix("https://example.org"))
        assert answer.status == 200, address
        if answer.headers["content-type"].startswith("text/html"):
            found_here = re.findall(r'(?:href|src)="([^"#]+)', answer.body.decode())
            local = [each for each in found_here if each.startswith("/") and not each.startswith("//")]
            assert [each for each in local if not each.startswith("/blog/")] == []
            todo += [f"https://example.org{each}" for each in local]
            todo += [each for each in found_here if each.startswith("https://example.org/")]
    assert len(seen) > 60


def test_the_path_without_its_slash_leads_to_the_page_and_the_rest_of_the_site_is_not_ours(blog: Service):
    bare = blog.ask("/blog")
    assert (bare.status, bare.headers["location"]) == (301, "https://example.org/blog/")
    assert [blog.ask(path).status for path in ("/", "/feed.atom", "/blogs/feed.atom")] == [418] * 3


def test_another_spelling_of_the_path_reaches_no_other_document(blog: Service):
    for path in ("//blog/feed.atom", "/%62log/feed.atom", "/x/../blog/feed.atom"):
        answer = blog.ask(path)
        assert (answer.status, answer.headers["cache-control"]) == (404, "no-store"), path
