"""One sound document a format, and what is wrong with it after one change.

Each test of a rule names a fragment of the sound document, what stands there
instead, and the faults that follow: the good and the bad document at once.
"""

from __future__ import annotations

from pathlib import Path

from pprnet_feeds.syndication.conformance import Format, faults
from pprnet_feeds.syndication.rules import Rule

FORMATS: tuple[Format, ...] = ("atom", "rss", "json", "opml")


def sound(form: Format) -> bytes:
    """Give the document that breaks no rule."""
    return (Path(__file__).parent / f"documents/sound.{form}").read_bytes()


def changed(form: Format, good: str, bad: str) -> bytes:
    """Put *bad* in the place of *good*, which stands in the sound document once."""
    text = sound(form).decode()
    assert text.count(good) == 1, f"{good!r} stands there {text.count(good)} times"
    return text.replace(good, bad).encode("utf-8", "surrogatepass")


def faults_after(form: Format, good: str, bad: str) -> list[tuple[str, str]]:
    """Tell the faults that follow a change, each as the rule and ``where: what``."""
    return [(fault.rule, f"{fault.where}: {fault.what}") for fault in faults(changed(form, good, bad), form)]


def sentence(rule: Rule[object]) -> str:
    """Give a rule in its own words."""
    return " ".join((rule.__doc__ or "").split())
