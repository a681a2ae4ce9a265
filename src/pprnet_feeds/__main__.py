"""``python -m pprnet_feeds`` is the command ``pprnet-feeds``."""

from pprnet_feeds.cli import main

main(prog_name="pprnet-feeds")
