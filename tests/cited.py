"""A site whose posts cite in every way, served, and its feeds by what their entries are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service import SITES, Service, serving

BASE = "https://small.example.org"
BLOG = "A Small Research Blog"
ORCID = "https://orcid.org/0000-0002-1825-0097"

POSTS = {
    "2021-08-a-list-that-is-cut": """\
title: A list that is cut
date: 2021-08
updated: 2021-09-02
topics: [alliance, sleep-and-rest]
research: [meta-analyses]
authors: [{name: Cleo Known, url: "https://example.org/cleo", orcid: 0000-0002-1825-0097}]
cites:
  - "Ek, A., Lind, K.-B., Ott, P., ….Berg, O. (2021). Calm in trials: A review. World of Talk, 20, 387–396. https://doi.org/10.5555/calm.20"
""",
    "2021-07-lone-authors": """\
title: Lone authors
date: 2021-07
topics: [alliance]
status: retracted
note: The sums were wrong.
cites:
  - "de Jong, K. (2018). Alone at home. Journal of Talk, 3(1), e12. https://doi.org/10.5555/alone"
  - text: "King, M. L., Jr. (2017). Together. Journal of Talk, 2, 7."
    authors: ["King, M. L., Jr."]
  - text: "Care Group. (2016). Report. https://example.org/report"
    url: https://example.org/report
    authors: [Care Group]
    title: Report
""",
    "2021-06-edited": """\
title: Edited
date: 2021-06
topics: [alliance]
cites:
  - "Ek, A., & Ott, P. (Eds.). (2016). Handbook of calm. Guilford Press."
  - "What somebody said once, somewhere"
  - "Ek, A., Lind, K., [...], Ott, P. (2015). Talk at noon. World of Talk, 14, e12\u2010e20."
  - text: Printed in no style
    title: Several in one
    authors: ["Ek, A. and Lind, K.", "& Ott, P."]
    pages: 387--396
  - text: Printed in no style either
    title: Stated and cut
    authors: ["Ek, A.", "Lind, K., ….Ott, P."]
    pages: pp. 3\u22129
""",
}

# Every kind of feed whose entries are posts, or months of posts, and of those that are studies.
SELECTIONS = [
    *("", "topics/alliance/", "research/meta-analyses/", "topics/alliance/research/meta-analyses/"),
    *("topics/alliance,sleep-and-rest/", "topics/alliance+sleep-and-rest/"),
]
OURS = [
    *(f"/{selection}{view}" for selection in SELECTIONS for view in ("feed", "summary", "practice")),
    *(
        "/issues/feed",
        "/corrections/feed",
        "/archive/2020/feed",
        "/topics/sleep-and-rest/archive/2020/summary",
    ),
]
STUDIES = [f"/{selection}citations" for selection in SELECTIONS] + ["/archive/2020/citations"]


def make_site(folder: Path) -> Path:
    """Write the site into *folder*, which is none yet."""
    shutil.copytree(SITES / "small", folder)
    settings = folder / "feeds/site.yaml"
    settings.write_text(settings.read_text("utf-8").replace("entries: 30", "entries: 1"), "utf-8")
    for name, front in POSTS.items():
        text = f"---\n{front}---\nThey asked many people.\n\n## Practice Implications\n\nAsk.\n"
        (folder / f"posts/{name}.md").write_text(text, "utf-8")
    return folder


@contextmanager
def serving_cited(folder: Path, **environ: str) -> Iterator[Service]:
    """Serve the site from a new *folder*."""
    with serving(make_site(folder), **environ) as service:
        yield service
