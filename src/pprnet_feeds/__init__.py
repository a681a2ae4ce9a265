"""pprnet-feeds: a folder of post files becomes feeds."""

__version__ = "0.1.0"
