"""Which version of a library is installed, found out in a moment.

The standard library reads all that a package says of itself, README and all,
and loads its parser of mail for that. The version stands in a folder's name.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache

_ENDING = ".dist-info"


def version(library: str) -> str:
    """The version of *library*, called as in ``pyproject.toml``. Raises PackageNotFoundError for none."""
    found = _versions().get(_normal(library))
    if found is None:  # an old-fashioned or unusual installation
        from importlib import metadata

        return metadata.version(library)
    return found


@cache
def _versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in sys.path:
        with suppress(OSError):
            for name in os.listdir(folder or "."):  # noqa: PTH208 -- names are all that is wanted
                if name.endswith(_ENDING):
                    library, _, number = name.removesuffix(_ENDING).rpartition("-")
                    found.setdefault(_normal(library), number)  # the first one is what is imported
    return found


def _normal(library: str) -> str:
    return library.lower().replace("-", "_").replace(".", "_")
