"""The note of a correction, which our own feeds show above a text and under a category."""

from __future__ import annotations

import re

from pprnet_feeds.content.model import Status
from pprnet_feeds.publishing.importing.blocks import Block

_STATUSES: dict[str, Status] = {"corrected": "corrected", "retracted": "retracted"}
_NOTE = re.compile(r"(?:Corrected|Retracted)\. ?(.*)", re.DOTALL)


def read_status(
    labels: tuple[str, ...], blocks: list[Block]
) -> tuple[Status, str, tuple[str, ...], list[Block]]:
    """Status, note, the other labels and the text without the note, of an entry that is ours."""
    status = next((_STATUSES[label.lower()] for label in labels if label.lower() in _STATUSES), None)
    note = _NOTE.fullmatch(blocks[0].text) if blocks else None
    if status is None or note is None:
        return "published", "", labels, blocks
    rest = tuple(label for label in labels if label.lower() != status)
    return status, " ".join(note[1].split()), rest, blocks[1:]
