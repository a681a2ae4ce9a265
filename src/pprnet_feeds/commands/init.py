"""``pprnet-feeds init``: a new site in a folder."""

from pathlib import Path

import click

from pprnet_feeds.commands import options

_FILES = Path(__file__).parents[1] / "publishing/new_site"


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path) -> None:
    """Begin a new site in DIR: settings with every key explained, and a first draft.

    Never overwrites a file: exits with 1 when one is in the way, and then writes nothing.

    \b
    Example:
        pprnet-feeds init blog
    """
    files, now = {}, options.now()
    for path in sorted(path for path in _FILES.rglob("*") if path.is_file()):
        name, text = path.relative_to(_FILES).as_posix(), path.read_text("utf-8")
        for mark, value in (("{month}", f"{now:%Y-%m}"), ("{year}", f"{now:%Y}")):
            name, text = name.replace(mark, value), text.replace(mark, value)
        files[name] = text
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
    place = f'"{folder}"' if " " in str(folder) else folder  # so that a shell of Windows also takes it
    click.echo(f"    cd {place}\n    pprnet-feeds serve --preview")
    click.echo("Then write its name and `tag_root` into feeds/site.yaml, and posts into posts/.")
