"""A former path of a post is never one of our own addresses, and the rules of a copy never shadow one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from many import make_site, write_post
from service import invoke

FILE = "posts/2013-01-01-post-0.md"
OTHER = "/posts/2013-01-02-post-1"
OWN = [
    *("/site.css", "/feed.css", "/site.js", "/favicon.ico", "/robots.txt", "/sitemap.xml"),
    *("/subscribe/", "/subscribe.html", "/_headers", "/_redirects", "/404.html", "/410.html"),
    *("/index.html", "/embed", "/embed.html", "/oembed", "/oembed/", "/.pprnet-feeds/nginx.conf"),
    *(
        "/feed",
        "/feed/",
        "/rss/feed.xml",
        "/atom",
        "/index.xml",
        "/feed.atom",
        "/summary.rss",
        "/citations.bib",
    ),
    *("/feeds.opml", "/feeds.json", "/feeds", "/feeds/", "/site.css/old/"),
    *("/healthz", "/readyz", "/metrics", "/stats", "/archive/", "/archive/2013/", "/archive"),
    *("/topics/", "/topics/alpha/", "/topics/alpha/feed.atom", "/topics/a-former-one/", "/topics/alpha/feed"),
    *("/research/trials/", "/issues/2013-01/", "/corrections/feed.atom", "/posts", "/posts/"),
    *(f"{OTHER}.json", f"{OTHER}.bib", f"{OTHER}.csl.json", "/Site.css", "/FEED"),
]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", 4)


def test_check_and_build_refuse_each_of_our_own_addresses_as_an_alias(site, tmp_path):
    # Each in a post of its own: one that cannot be read hides what is found when posts are put together.
    for number, alias in enumerate(OWN, 4):
        write_post(site, number, aliases=f"[{alias}]")
    for arguments in (["check"], ["build", str(tmp_path / "copy")], ["publish"]):
        done = invoke(*arguments, "--site", str(site))
        assert done.returncode == 1
        said = re.findall(r"(?:the|a) path .*?'(/.*?)'|one of our own addresses: '(.*?)'", done.stdout)
        assert {one or other for one, other in said} == set(OWN), arguments
    assert not (site / "feeds/ledger.json").exists()


@pytest.mark.parametrize(
    "alias", ["/old/", "/2013/01/x.html", "/site", "/posts/old", "/posts/old.html", "/feed-2013"]
)
def test_any_other_path_may_lead_to_a_post(site, alias):
    write_post(site, 0, aliases=f"[{alias}]")
    done = invoke("check", "--site", str(site))
    assert (done.returncode, done.stdout) == (0, "4 posts, no problems\n")


def test_an_alias_that_is_another_posts_address_is_a_warning_and_leads_to_that_post(site, tmp_path):
    write_post(site, 0, aliases=f"[{OTHER}/, /old/]")
    done = invoke("check", "--site", str(site), "--format", "json")
    assert '"warning": true' in done.stdout
    assert f"the path '{OTHER}/' in `aliases` is taken by {OTHER[1:]}.md" in done.stdout
    built = invoke("build", str(tmp_path / "copy"), "--site", str(site))
    assert built.returncode == 0, built.stdout + built.stderr
    rules = (tmp_path / "copy/_redirects").read_text()
    assert "/old /posts/2013-01-01-post-0/ 301\n" in rules
    assert f"{OTHER} " not in rules


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/a(b",
            "/a)b",
            "/a;b",
            "/$host",
            "/a{b",
            "/%20",
            "/a%2fb",
            "/a*",
            "/:a",
            "/a+b",
            "/a,b",
            "/a'b",
            "/a&b",
        ),
        *(
            "/a//b",
            "/../a",
            "/a/./b",
            "//",
            "/a=b",
            "/a@b",
            "/a!",
            "/[a]",
            "/a|b",
            "/a^b",
            "/~/$1",
            "/a b",
            '/a"b',
        ),
    ],
)
def test_a_base_url_whose_path_no_host_needs_is_refused_with_a_message(site, path):
    done = invoke("check", "--site", str(site), PPRNET_BASE_URL=f"https://example.org{path}")
    if path == "//":  # as good as none
        return
    assert done.returncode == 1
    assert done.stdout.startswith("PPRNET_BASE_URL: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("host", ["$host", "a..b", "a;b", "a(b", "a:0", "%24host", f"{'a' * 64}.org"])
def test_a_base_url_whose_host_cannot_be_is_refused(site, host):
    done = invoke("check", "--site", str(site), PPRNET_BASE_URL=f"https://{host}/blog")
    assert done.returncode == 1
    assert done.stdout.startswith("PPRNET_BASE_URL: `base_url` is not a web address: ")
