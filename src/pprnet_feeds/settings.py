"""The settings of one run of the program, apart from those of the site itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """One run of the program.

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

    def environ(self) -> dict[str, str]:
        """The settings as variables, for the processes that serve them."""
        return {
            "PPRNET_SITE": str(self.folder),
            "PPRNET_ADDRESS": self.base_url,
            "PPRNET_DRAFTS": "1" if self.drafts else "",
            "PPRNET_STATS": "on" if self.stats else "",
            "PPRNET_FAST_PATH": "" if self.fast_path else "off",
        }

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """The settings that `environ` wrote; the current folder where nothing did."""
        return cls(
            folder=Path(environ.get("PPRNET_SITE", ".")),
            base_url=environ.get("PPRNET_ADDRESS", ""),
            drafts=bool(environ.get("PPRNET_DRAFTS")),
            stats=environ.get("PPRNET_STATS") == "on",
            fast_path=environ.get("PPRNET_FAST_PATH") != "off",
        )
