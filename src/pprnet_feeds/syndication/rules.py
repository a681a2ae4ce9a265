"""What a rule about a drawn document is, and what its faults say.

A rule is a small function: it takes a document that has been read and yields a
finding for each place that breaks it. Its docstring is the rule as one would
say it to a colleague, with the section of the specification, and becomes the
explanation of every fault found by it, so that text and check cannot part.

A rule never raises, whatever the document holds: a fault that stops the
inspection hides all the others.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

Document = TypeVar("Document")


class Finding(NamedTuple):
    """One broken place: the element, what is wrong with it, how to mend it."""

    where: str
    what: str
    mend: str


Rule = Callable[[Document], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a drawn document: message, explanation and solution.

    Attributes:
        where: the element, such as ``entry 2 link``; entries count from 1.
        what: what is wrong, quoting what stands there. Lower case, no full stop.
        rule: the rule that is broken, with its section. A sentence.
        mend: what to do about it. A sentence in the imperative.
    """

    where: str
    what: str
    rule: str
    mend: str

    def __str__(self) -> str:
        """Say the fault in one line, as a person would."""
        return f"{self.where}: {self.what}. {self.rule} {self.mend}"


def inspect_document(document: Document, rules: Iterable[Rule[Document]]) -> list[Fault]:
    """Hold *document* against *rules* and tell everything that breaks them, in their order."""
    return [
        Fault(finding.where, finding.what, " ".join((inspect.getdoc(rule) or "").split()), finding.mend)
        for rule in rules
        for finding in rule(document)
    ]
