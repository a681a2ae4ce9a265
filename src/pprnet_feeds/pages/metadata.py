"""What a page tells programs about itself: search engines and reference managers.

A post is *about* a study and is not the study. Whoever saves a post's page with
a reference manager gets the post: its own title, author and date, as the feeds
have it. So `citation_doi` and `citation_journal_title` of the study never stand
here; the study is a `citation_reference` (Highwire), a schema.org `citation`,
and a BibTeX or RIS file beside the page.
"""

from __future__ import annotations

from typing import Any

from pprnet_feeds.content.model import Citation, Person, Site
from pprnet_feeds.syndication.channel import Entry, rfc3339
from pprnet_feeds.syndication.citations import kind

_SCHEMA_TYPES = {
    "article-journal": "ScholarlyArticle",
    "paper-conference": "ScholarlyArticle",
    "book": "Book",
    "chapter": "Chapter",
    "thesis": "Thesis",
    "report": "Report",
    "dataset": "Dataset",
}


def structured(entry: Entry, site: Site) -> dict[str, Any]:
    """The post in the words of schema.org, for JSON-LD."""
    home = f"{site.base_url}/"
    told: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "BlogPosting",
        "@id": entry.url,
        "url": entry.url,
        "mainEntityOfPage": entry.url,
        "identifier": entry.id,
        "headline": entry.title,
        "description": entry.summary,
        "datePublished": rfc3339(entry.published),
        "dateModified": rfc3339(entry.updated),
        "author": [_person(author) for author in entry.authors],
        "publisher": {"@type": "Organization", "name": site.title, "url": home},
        "isPartOf": {"@type": "Blog", "name": site.title, "url": home},
        "inLanguage": site.language,
        "keywords": [category.label for category in entry.categories],
    }
    optional = {
        "license": site.licence,
        "copyrightNotice": site.rights,
        "image": entry.image.url if entry.image else "",
        "citation": [_work(cite) for cite in entry.cites],
    }
    return told | {name: value for name, value in optional.items() if value}


def highwire(entry: Entry, site: Site) -> list[tuple[str, str]]:
    """The `citation_*` fields of the post's page: name and content, in order."""
    fields = [("citation_title", entry.title)]
    fields += [("citation_author", author.name) for author in entry.authors]
    fields += [
        ("citation_publication_date", entry.published.astimezone(site.time_zone).strftime("%Y/%m/%d")),
        ("citation_language", site.language),
        ("citation_abstract_html_url", entry.url),
    ]
    return fields + [("citation_reference", cite.text) for cite in entry.cites]


def _work(cite: Citation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "@type": _SCHEMA_TYPES.get(kind(cite), "CreativeWork"),
        "name": cite.title or cite.text,
    }
    if cite.authors:
        told["author"] = list(cite.authors)
    optional = {
        "datePublished": cite.year,
        "sameAs": cite.link,
        "isPartOf": cite.container,
        "pagination": cite.pages,
    }
    return told | {name: value for name, value in optional.items() if value}


def _person(person: Person) -> dict[str, str]:
    told = {"@type": "Person", "name": person.name, "url": person.url or person.link, "sameAs": person.link}
    return {name: value for name, value in told.items() if value and (name != "sameAs" or person.orcid)}
