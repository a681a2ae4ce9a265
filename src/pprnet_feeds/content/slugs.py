"""The grammar of slugs and paths, and the words that our own addresses use.

Slugs become addresses and file names: none may leave a folder, end a header line or hide an address.
"""

import re
import unicodedata

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SLUG_LENGTH = 100
#: Words of our own addresses and of those that readers guess.
RESERVED = frozenset(
    "archive atom citations corrections embed favicon feed feeds healthz index issues metrics oembed"
    " opensearch posts practice readyz research robots rss search sitemap stats summary topics".split()
)
GRAMMAR = f"Use small letters, digits and single hyphens, at most {SLUG_LENGTH} characters"

_SEGMENT = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+"
_PATH = re.compile(rf"/{_SEGMENT}(?:/{_SEGMENT})*/?")


def is_slug(text: str) -> bool:
    """Whether *text* has the form of a slug; it may be reserved."""
    return len(text) <= SLUG_LENGTH and SLUG.fullmatch(text) is not None


def is_path(text: str) -> bool:
    """Whether *text* is a plain absolute path: no host, no query, no escapes, no dots to climb by."""
    return len(text) <= 200 and _PATH.fullmatch(text) is not None


def slug_like(text: str) -> str:
    """A slug that looks like *text*; empty when nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text[:500]).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower().replace("'", "")))[:SLUG_LENGTH].rstrip("-")
