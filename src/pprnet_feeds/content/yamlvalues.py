"""What YAML is read into: values as they were typed, each with its place."""

from __future__ import annotations

from dataclasses import dataclass


# Values are not frozen: they are made by the dozen for each post, and that would be a fifth of all reading.
@dataclass(slots=True)
class Scalar:
    """One value as it was typed; *plain* when it stood without quotation marks.

    *remark* tells that a plain value is followed by a comment: `#` after a
    space ends a value, which whoever typed `The #1 reason` did not mean.
    """

    text: str
    line: int
    column: int
    plain: bool = False
    remark: bool = False


@dataclass(slots=True)
class Sequence:
    """Values one after another."""

    items: tuple[Value, ...]
    line: int
    column: int


@dataclass(slots=True)
class Mapping:
    """Values by key, in the order of the file; every key knows its place."""

    entries: dict[str, tuple[Scalar, Value]]
    line: int
    column: int


Value = Scalar | Sequence | Mapping
