"""The command ``pprnet-feeds``. Its help appears at once, because no command is imported for it."""

import errno
import sys
from importlib import import_module
from typing import Any

import click

from pprnet_feeds import __version__

# Command -> what it does, as the help of the whole says it. Each is in a module of that name.
COMMANDS = {
    "init": "Begin a new site in a folder.",
    "serve": "Serve the feeds and pages of the site.",
    "check": "Find every fault in posts and feeds, then render every post.",
    "new": "Begin a post: a draft with every key explained.",
    "import": "Make post files from a Word file, a saved page, a feed or a blog.",
    "plan": "Report what subscribers will notice if this is published.",
    "publish": "Check everything, then write feeds/ledger.json.",
    "schema": "Print the JSON Schema of posts, settings or topics, for text editors.",
    "build": "Write everything the service answers as files, for a static host.",
    "studies": "Ask the registries whether a cited study was retracted or corrected.",
    "letter": "Write a month as a letter, to send by mail.",
    "ping": "Notify the WebSub hubs of feeds that changed.",
    "stats": "Print how many subscribers each feed has, as feed readers report them.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = "import_posts" if cmd_name == "import" else cmd_name  # a keyword of Python names no module
        found: click.Command = getattr(import_module(f"pprnet_feeds.commands.{name}"), name)
        return found

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            return super().main(*args, **extra)
        except OSError as error:
            if error.errno != errno.ENOSPC:  # click handles a closed pipe
                raise
            sys.exit(f"Error: the output cannot be written: {error.strerror}.")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pprnet-feeds")
def main() -> None:
    """Turn a folder of posts into feeds that readers trust.

    \b
    Write a post in posts/, check it, then serve it:
        pprnet-feeds check
        pprnet-feeds serve
    """
