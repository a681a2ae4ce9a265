"""What is wrong in the text of a post, for `check`.

None of it keeps a post out: what readers must not get is removed whenever a
text is drawn. Finding where it was typed takes as long as drawing the text
again, so a service does not ask.
"""

from __future__ import annotations

from pprnet_feeds.content import markup
from pprnet_feeds.content.problems import Problem, quoted


def faults(body: str, body_line: int, file: str) -> list[Problem]:
    """Active content and footnotes that are told twice, each at its line of *file*.

    *body_line* is the line of the file on which *body* begins, from 1.
    """
    found = [
        (
            line,
            f"the text holds {what}, which is removed",
            "Take it out; say it in words, or with Markdown's own links and images.",
        )
        for line, what in markup.active_content(body)
    ]
    found += [
        (
            line,
            f"the footnote {quoted(f'[^{name}]')} is here a second time",
            "Give it a name of its own; a mark can lead to one footnote only.",
        )
        for line, name in markup.repeated_footnotes(body)
    ]
    return [Problem(file, body_line + line - 1, 0, what, mend, True) for line, what, mend in sorted(found)]
