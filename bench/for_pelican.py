"""The same blog for Pelican: its content files and settings for the main feed and one for each topic.

Atom and RSS, the newest 30 posts in full; Pelican knows no JSON Feed and no newest year, which leaves it
less to do than us. No pages for people.
"""

from __future__ import annotations

from pathlib import Path

from sites import AUTHOR, BASE, TITLE, posts

_SETTINGS = f"""\
SITENAME = {TITLE!r}
SITEURL = FEED_DOMAIN = {BASE!r}
AUTHOR = {AUTHOR!r}
TIMEZONE = "UTC"
DEFAULT_LANG = "en"
PATH = "content"
FILENAME_METADATA = "(?P<slug>.*)"
FEED_MAX_ITEMS = 30
RSS_FEED_SUMMARY_ONLY = False
FEED_ALL_ATOM, FEED_ALL_RSS = "feed.atom", "feed.rss"
TAG_FEED_ATOM, TAG_FEED_RSS = "topics/{{slug}}/feed.atom", "topics/{{slug}}/feed.rss"
CATEGORY_FEED_ATOM = CATEGORY_FEED_RSS = AUTHOR_FEED_ATOM = AUTHOR_FEED_RSS = TRANSLATION_FEED_ATOM = None
ARTICLE_SAVE_AS = ARTICLE_LANG_SAVE_AS = DRAFT_SAVE_AS = PAGE_SAVE_AS = ""
TAG_SAVE_AS = CATEGORY_SAVE_AS = AUTHOR_SAVE_AS = ""
TAGS_SAVE_AS = CATEGORIES_SAVE_AS = AUTHORS_SAVE_AS = ARCHIVES_SAVE_AS = ""
ARTICLE_URL = "posts/{{slug}}/"
DIRECT_TEMPLATES = []
STATIC_PATHS = []
THEME_STATIC_PATHS = []
USE_FOLDER_AS_CATEGORY = False
LOAD_CONTENT_CACHE = False
DELETE_OUTPUT_DIRECTORY = False
"""


def make_pelican_site(folder: Path, count: int) -> Path:
    """Write the blog of *count* posts for Pelican."""
    content = folder / "content"
    content.mkdir(parents=True)
    for post in posts(count):
        year = content / str(post.date.year)
        year.mkdir(exist_ok=True)
        tags = ", ".join(slug for slug, _ in post.topics)
        header = (
            f"Title: {post.title}\nDate: {post.date:%Y-%m-%d %H:%M}\nTags: {tags}\nSlug: {post.name}\n"
            f"Summary: {post.summary}\nCategory: {post.research[0]}\n"
        )
        (year / f"{post.name}.md").write_text(f"{header}\n{post.cited['text']}\n\n{post.body}")
    (folder / "pelicanconf.py").write_text(_SETTINGS)
    return folder
