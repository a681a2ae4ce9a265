"""pprnet-feeds: a folder of post files becomes feeds."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pprnet_feeds.content.problems import Problem as Problem
    from pprnet_feeds.public import Feeds as Feeds
    from pprnet_feeds.public import SiteError as SiteError

__version__ = "0.1.0"
__all__ = ["Feeds", "Problem", "SiteError", "__version__"]


def __getattr__(name: str) -> Any:
    """Import what is public when it is asked for: the command's help must not wait for it."""
    if name in __all__:
        from pprnet_feeds import public

        return getattr(public, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
