"""``pprnet-feeds init``: a new site in a folder."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.publishing.init import new_site_files


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path) -> None:
    """Begin a new site in DIR: settings with every key explained, and a first draft.

    Never overwrites a file: exits with 1 when one is in the way, and then writes nothing.

    \b
    Example:
        pprnet-feeds init blog
    """
    files = new_site_files(options.now())
    taken = [name for name in files if (folder / name).exists() or (folder / name).is_symlink()]
    if any((folder / name).is_dir() and any((folder / name).glob("*")) for name in ("posts", "feeds")):
        taken = taken or ["posts/ or feeds/"]
    if taken:
        raise click.ClickException(f"{', '.join(taken)} in {folder}: already there. Nothing was written.")
    with options.writing(folder, "The site is not complete."):
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            with (folder / name).open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
    click.echo(f"A new site is in {folder}: {len(files)} files. Look at it:")
    click.echo(f"    cd {shlex.quote(str(folder))}\n    pprnet-feeds serve --preview")
    click.echo("Then write its name and `tag_root` into feeds/site.yaml, and posts into posts/.")
