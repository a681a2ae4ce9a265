"""What the catalogue knows of posts without rendering them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given
from hypothesis import strategies as st

from many import make_site
from pprnet_feeds.content import markdown
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.site import read_site
from pprnet_feeds.syndication import entries
from pprnet_feeds.syndication.channel import permalink


@cache
def many() -> Library:
    with TemporaryDirectory() as folder:
        site, _ = read_site(make_site(Path(folder) / "site", 70), {})
        assert site is not None
        return read_library(Path(folder) / "site", site, datetime(2030, 1, 1, tzinfo=UTC))


words = st.sampled_from(
    [
        "## Practice Implications\n",
        "\n",
        "Words.\n",
        "## Method\n",
        "---\n",
        "===\n",
        "practice implications\n",
        "# practice implications #\n",
        "  ## Practice Implications\n",
        "    ## Practice Implications\n",
        "```\n",
        "> ## Practice Implications\n",
        "- item\n",
        "[^1]: note\n",
        "Text[^1]\n",
        "<div>\n",
        "</div>\n",
        "<!--\n",
        "| a | b |\n",
        "|---|---|\n",
        "## *Practice* Implications\n",
        "<h2>Practice Implications</h2>\n",
        "~~~\n",
        "Practice Implications\n",
        "\n## PRACTICE IMPLICATIONS\n\nDo.\n",
        "\n\n",
        "[a]: /b\n",
        "[a]:\n",
        "\t",
        "&nbsp;\n",
    ]
)


@example("[^1]: note\n[^1]: note\n\n## PRACTICE IMPLICATIONS\n\nDo.\n")
@given(st.lists(words, max_size=9).map("".join))
def test_practice_implications_are_known_without_rendering_as_they_are_with_it(body: str):
    site = many().site
    post = replace(many().posts[0], body=body)
    html = markdown.render(body, base=permalink(post, site), prefix=f"{post.slug}-")
    expected = "implications" in body.lower() and bool(markdown.sections(html)[1])
    assert entries.has_practice(post, site) == expected
