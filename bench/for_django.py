"""The same feeds by Django's feedgenerator, from entries that are in memory; run by Django's own Python.

.venv-bench/bin/python bench/for_django.py FILE      prints what it took as JSON
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils.feedgenerator import Atom1Feed, Rss201rev2Feed


class _Rss(Rss201rev2Feed):
    """With the text in full beside the summary, as we have it: Django leaves that to whoever uses it."""

    def rss_attributes(self):  # type: ignore[no-untyped-def]
        content = "http://purl.org/rss/1.0/modules/content/"
        return super().rss_attributes() | {"xmlns:content": content}

    def add_item_elements(self, handler, item):  # type: ignore[no-untyped-def]
        super().add_item_elements(handler, item)
        handler.addQuickElement("content:encoded", item["content"])


class _Atom(Atom1Feed):
    def add_item_elements(self, handler, item):  # type: ignore[no-untyped-def]
        super().add_item_elements(handler, item)
        handler.addQuickElement("content", item["content"], {"type": "html"})


def main() -> None:
    settings.configure(USE_TZ=True)
    held, feeds = json.loads(Path(sys.argv[1]).read_text())
    for entry in held.values():
        for name in ("published", "updated"):
            entry[name] = datetime.fromisoformat(entry[name].replace("Z", "+00:00"))
    begun = time.process_time()
    size = count = 0
    for form, head, ids in feeds:
        feed = {"atom": _Atom, "rss": _Rss}[form](language="en", **head)
        for key in ids:
            entry = held[key]
            feed.add_item(
                title=entry["title"],
                link=entry["url"],
                description=entry["summary"],
                author_name=entry["author"],
                pubdate=entry["published"],
                updateddate=entry["updated"],
                unique_id=entry["id"],
                unique_id_is_permalink=False,
                categories=entry["categories"],
                content=entry["html"],
            )
        size += len(feed.writeString("utf-8").encode())
        count += len(ids)
    print(json.dumps({"seconds": time.process_time() - begun, "documents": len(feeds), "bytes": size}))


if __name__ == "__main__":
    main()
