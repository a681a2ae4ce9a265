"""Links and pictures whose host or port cannot be: never in a document, and `check` says where they were."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from many import make_site, write_post
from service import invoke, serving

ILLEGAL = [
    *("//javascript:alert(1)", "//data:text/html,x", "//a:99999/", "//a:0/", "//a:b/", "//:80/"),
    *("https://javascript:alert(1)", "https://a:99999/", "//a..b/", "https://a..b/", "//.a/", "//%20/"),
    *(
        f"//{'a' * 64}.org/",
        f"https://{'a' * 64}.org/",
        f"//{'a.' * 130}org/",
        "//[::1/",
        "//a%2Fb/",
        "//a%00b/",
    ),
]
BEYOND_MARKDOWN = ["//exa mple.org/", "https://exa mple.org/", "//[v1]/", "//a|b/", "//a\\b/"]
LEGAL = {
    "//example.org/x": "https://example.org/x",
    "//example.org:8080": "https://example.org:8080",
    "https://example.org.": "https://example.org.",
    "https://m\u00fcller.example/": "https://m%C3%BCller.example/",
    "https://a_b.example/": "https://a_b.example/",
    "https://127.0.0.1:65535/": "https://127.0.0.1:65535/",
    "https:///example.org/": "https://example.org/",
    "/a:b/c(1)": "https://many.example.org/a:b/c(1)",
    "mailto:a@example.org": "mailto:a@example.org",
}


def test_what_cannot_be_an_address_is_in_no_document_and_what_can_is(tmp_path: Path):
    site = make_site(tmp_path / "site", 0)
    lines = [f"[a]({each}) ![b]({each})" for each in ILLEGAL]
    lines += [f'<a href="{each}">a</a> <img src="{each}" alt="b">' for each in (*ILLEGAL, *BEYOND_MARKDOWN)]
    lines += [f"[a](<{each}>)" for each in BEYOND_MARKDOWN]
    lines += [f"[a]({each})" for each in LEGAL]
    write_post(site, 0, text="\n\n".join(lines) + "\n", image="https://a.example/x.png")
    with serving(site) as service:
        feed = json.loads(service.ask("/feed.json").body)["items"][0]["content_html"]
        page = service.ask("/posts/2013-01-01-post-0/").body.decode()
    found = re.findall(r'(?:href|src)="([^"]*)"', feed)
    assert found == ["https://a.example/x.png", *LEGAL.values()]  # the picture is above the text
    for text in (feed, page):
        assert "javascript:" not in text


def test_check_says_where_an_address_cannot_be(tmp_path: Path):
    site = make_site(tmp_path / "site", 0)
    files = {}
    for number, each in enumerate((*ILLEGAL, *BEYOND_MARKDOWN)):
        text = f'One.\n\n<a href="{each}">a</a>\n\n<img src="{each}" alt="b">\n'
        files[each] = f"posts/{write_post(site, number, text=text).name}"
    said = invoke("check", "--site", str(site)).stdout.splitlines()
    for each, file in files.items():
        for line, what in ((10, "a link"), (12, "an image")):
            why = f"the text holds {what} with an impossible host or port, which is removed"
            assert f"{file}:{line}: warning: {why}" in said, each


def test_a_picture_in_the_header_needs_a_host_that_can_be(tmp_path: Path):
    site = make_site(tmp_path / "site", 0)
    addresses = ("https://a..b/x.png", f"https://{'a' * 64}.org/x.png", "https://a:0/x.png")
    files = [write_post(site, number, image=f'"{each}"').name for number, each in enumerate(addresses)]
    said = invoke("check", "--site", str(site)).stdout
    for file in files:
        assert re.search(rf"^posts/{file}:\d+: `image` is not the address of a picture: ", said, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize(("between", "number"), [("\n\n", 6_000), (" ", 20_000)])
def test_thousands_of_bare_addresses_are_checked_in_no_quadratic_time(
    tmp_path: Path, between: str, number: int
):
    site = make_site(tmp_path / "site", 0)
    text = "[a](/topics/)\n\n" + between.join(f"See https://a.example/{each} too." for each in range(number))
    write_post(site, 0, text=text)
    began = time.monotonic()
    assert invoke("check", "--site", str(site)).returncode == 0
    assert time.monotonic() - began < 5
