"""The settings of one run of the program, apart from those of the site itself."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for one run.

    Attributes:
        folder: the site: the folder with ``posts/`` and ``feeds/``.
        base_url: where readers reach us when the site itself does not say.
        drafts: whether drafts and scheduled posts are shown, for a preview.
        stats: whether anybody may see the figures at /stats.
        fast_path: whether prepared responses are written past ASGI; the responses are the same.
    """

    folder: Path
    base_url: str = ""
    drafts: bool = False
    stats: bool = False
    fast_path: bool = True
