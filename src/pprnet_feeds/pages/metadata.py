"""What pages say to programs about themselves: search engines and reference managers.

A post is *about* a study and is not the study: a reference manager that saves a post's page gets the post's
own facts. The study is a `citation_reference` (Highwire) and a schema.org `citation`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

from pprnet_feeds.content.model import Citation, Notice, Person, Post, Site, doi_url
from pprnet_feeds.pages.lists import years
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.channel import Entry, first_date, rfc3339, without_empty
from pprnet_feeds.syndication.citations import LABELS, became, csl_type
from pprnet_feeds.syndication.references import institution
from pprnet_feeds.syndication.selection import Selection, selections
from pprnet_feeds.syndication.urls import REFERENCE_FORMATS

# Addresses of pages, each with its newest change.
Changes = Sequence[tuple[str, datetime]]

_SCHEMA_TYPES = dict.fromkeys(("article-journal", "paper-conference"), "ScholarlyArticle")
_SCHEMA_TYPES |= {name: name.capitalize() for name in ("book", "chapter", "thesis", "report", "dataset")}
# What a proxy with small buffers surely lets through, in bytes of one header field.
_LINKS_LENGTH = 2000


def structured(entry: Entry, post: Post, site: Site) -> dict[str, Any]:
    """The post in the words of schema.org, for JSON-LD."""
    home, publisher = f"{site.base_url}/", site.publisher
    organisation = {
        "@type": "Organization",
        "@id": publisher.link,
        "name": publisher.name or site.title,
        "url": publisher.url or home,
        "identifier": publisher.link,
    }
    blog = {"@type": "Blog", "name": site.title, "url": home, "issn": publisher.issn}
    values = {
        "@context": "https://schema.org",
        "@type": "BlogPosting",
        "@id": entry.url,
        "url": entry.url,
        "mainEntityOfPage": entry.url,
        "identifier": doi_url(entry.doi) or entry.id,
        "sameAs": doi_url(entry.doi),
        "headline": entry.title,
        "description": entry.summary,
        "datePublished": rfc3339(entry.published),
        "dateModified": rfc3339(entry.updated),
        "creativeWorkStatus": post.status.capitalize() if post.status != "published" else "",
        "author": [_person(author) for author in entry.authors],
        "publisher": without_empty(organisation),
        "isPartOf": without_empty(blog),
        "inLanguage": post.language or site.language,
        "keywords": [category.label for category in entry.categories],
        "license": site.licence,
        "copyrightNotice": site.rights,
        "image": entry.image.url if entry.image else "",
        "citation": [_work(cite) for cite in entry.cites],
    }
    return without_empty(values)


def signposting(entry: Entry, site: Site) -> list[tuple[str, ...]]:
    """What programs follow from a post's page, as many as fit: relation, address, perhaps media type."""
    file = entry.url.removesuffix("/")
    links: list[tuple[str, ...]] = [
        ("cite-as", doi_url(entry.doi) or entry.url),
        ("type", "https://schema.org/BlogPosting"),
        ("type", "https://schema.org/AboutPage"),
        ("license", site.licence),
        *(("describedby", f"{file}.{form}", type) for form, type in REFERENCE_FORMATS.items()),
        *(("author", author.link) for author in entry.authors),
    ]
    lengths = accumulate(len("".join(link)) + 22 for link in links)
    return [link for link, length in zip(links, lengths, strict=True) if link[1] and length <= _LINKS_LENGTH]


def _work(cite: Citation) -> dict[str, Any]:
    notice, copy = cite.notice, cite.open_access
    values = {
        "@type": _SCHEMA_TYPES.get(csl_type(cite), "CreativeWork"),
        "@id": cite.link if cite.doi else "",
        "name": cite.title or cite.text,
        "author": list(cite.authors),
        "datePublished": cite.year,
        "sameAs": cite.link,
        "isPartOf": cite.container,
        "pagination": cite.pages,
        "creativeWorkStatus": LABELS[notice.kind].removeprefix("Study ").capitalize() if notice else "",
        "correction": _correction(notice) if notice else {},
        "isAccessibleForFree": bool(copy),
        "url": copy.url if copy else "",
    }
    return without_empty(values)


def _correction(notice: Notice) -> dict[str, str]:
    comment = {"text": f"This work {became(notice)}.", "datePublished": notice.date}
    return without_empty(comment | {"@type": "CorrectionComment", "url": doi_url(notice.doi)})


def _person(person: Person) -> dict[str, str]:
    orcid = person.link if person.orcid else ""
    kind = "Organization" if institution(person.name) and not orcid else "Person"
    url = person.url or person.link
    return without_empty({"@type": kind, "@id": orcid, "name": person.name, "url": url, "sameAs": orcid})


def page_changes(catalogue: Catalogue, others: Iterable[str]) -> Changes:
    """The pages that search engines may list; *others* change with any post."""
    posts, start = catalogue.library.posts, first_date(catalogue.site)
    shown: dict[str, Iterable[Post]] = {}
    for selection in (*selections(catalogue.site), *(Selection(issue=month) for month in catalogue.months)):
        chosen = catalogue.posts(selection)
        shown[f"/{selection.path}"] = chosen
        for year in years(chosen):
            shown[f"/{selection.path}archive/{year}/"] = [post for post in chosen if post.year == year]
    shown |= dict.fromkeys(others, posts) | {f"/posts/{post.slug}/": [post] for post in posts}
    return [(path, max((post.updated for post in of), default=start)) for path, of in shown.items()]
