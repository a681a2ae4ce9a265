"""Every key that an editor may type: for reading files, for the JSON Schema, and for the documentation."""

from dataclasses import dataclass

REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    Attributes:
        kind: what a value is; each table has a reader for its kinds.
        about: what the value says, in words for an editor.
        default: what counts without the key, in words; or that it is `REQUIRED`.
        example: a value as it may be typed.
        also: the words of other tools for it, with spaces between them.
        many: whether it holds a list; a single value is a list of one.
    """

    name: str
    kind: str
    about: str
    default: str = "none"
    example: str = ""
    also: str = ""
    many: bool = False


# Keys by every word that is understood for them, our own words first.
Table = dict[str, Key]


def _table(*keys: Key) -> Table:
    return {key.name: key for key in keys} | {word: key for key in keys for word in key.also.split()}


# The other words are those of Hugo, Jekyll, Eleventy, Pelican, WordPress exports, JSON Feed and CSL.
# fmt: off
POST = _table(
    Key("title", "title", "plain text of one line, at most 300 characters", REQUIRED,
        "How Much Psychotherapy Is Necessary?"),
    Key("date", "moment", "its month and day, and from when readers may see it", REQUIRED, "2026-03",
        "publishDate published pubDate date_published"),
    Key("updated", "moment", "the last change that subscribers should see as new, never before `date`",
        "the moment of publication", "2026-03-09", "lastmod modified last_modified_at date_modified"),
    Key("id", "slug", "last part of the permanent id", "the file's name without `.md`",
        "2026-03-burnout", "guid"),
    Key("slug", "permalink", "last part of the address of the post's page", "the file's name without `.md`",
        "2026-03-burnout", "canonical canonical_url canonicalURL permalink"),
    Key("topics", "topics", "list of topics, at least one", REQUIRED, "[alliance]",
        "tags categories tag category topic"),
    Key("research", "research types", "list of research types", "none", "[single-studies]",
        "research_type type_of_research"),
    Key("cites", "citation", "list of the studies that the post is about", "none: an essay is a post, too",
        "[\"Lind, K. (2020). Slow trust. Annals of Samples, 4, 7-19.\"]",
        "citations citation references reference", many=True),
    Key("summary", "text", "one or two plain sentences, for readers that show no more",
        "the first sentences of its paragraphs", "What the study found.", "description excerpt"),
    Key("authors", "person", "list of names, or of `name` with any of `url`, `email`, `orcid`",
        "the author in `feeds/site.yaml`", "[Karin Lind]", "author", many=True),
    Key("image", "image", "a picture: its address, or `url` with any of `alt`, `width`, `height`", "none",
        "/images/couch.jpg", "cover thumbnail featured_image"),
    Key("aliases", "alias", "list of paths at which the post's page was before; they lead to it", "none",
        "[/blog/2021/how-much/]", "redirect_from", many=True),
    Key("draft", "flag", "`true` keeps the post out of everything", "false", "true"),
    Key("status", "status", "whether the post was `corrected`, `retracted` or `withdrawn`", "published",
        "corrected"),
    Key("note", "text", "what was corrected, or why it was retracted; only beside `status`", "none",
        "The number of participants was 120."),
    Key("doi", "doi", "the DOI of the post itself; the DOI of a study belongs in `cites`", "none",
        "10.5555/blog.2026.3", "DOI"),
    Key("language", "language", "language of this post", "the site's", "fr-CA", "lang"),
)
PERSON = _table(
    Key("name", "line", "the whole name", REQUIRED, "Karin Lind"),
    Key("url", "address", "address of a home page", "none", "https://example.org/tasca", "uri"),
    Key("email", "email", "an e-mail address, which is published", "none", "editor@example.org"),
    Key("orcid", "orcid", "ORCID of the author", "none", "0000-0002-1825-0097", "ORCID"),
)
IMAGE = _table(
    Key("url", "picture", "address of the picture, or its path on the host of the feeds", REQUIRED,
        "/images/couch.jpg", "src"),
    Key("alt", "text", "what the picture shows", "none", "An empty couch."),
    Key("width", "pixels", "width in pixels", "unknown", "1200"),
    Key("height", "pixels", "height in pixels", "unknown", "800"),
)
CITATION = _table(
    Key("text", "text", "the reference as printed", REQUIRED,
        "Lind, K. (2020). Slow trust. Annals of Samples, 4, 7-19."),
    Key("doi", "doi", "DOI of the work", "the DOI in `text`", "10.1002/cpp.2521", "DOI"),
    Key("url", "address", "address of the work", "none", "https://example.org/study", "URL"),
    Key("pmid", "pmid", "number of the work in PubMed", "none", "33336836", "PMID"),
    Key("authors", "line", "list of authors, each as family name, given names", "none", "[\"Lind, Karin\"]",
        "author", many=True),
    Key("year", "year", "year of publication", "none", "2020"),
    Key("type", "type of work", "type of the work in CSL", "none", "article-journal"),
    Key("title", "text", "title of the work", "none", "Slow trust"),
    Key("container", "text", "journal or book in which the work is", "none", "Annals of Samples",
        "journal container-title"),
    Key("publisher", "text", "publisher of the work", "none", "Sample Press"),
    Key("volume", "line", "volume of the journal", "none", "4"),
    Key("issue", "line", "issue of the journal", "none", "2", "number"),
    Key("pages", "line", "first and last page", "none", "7-19", "page"),
    Key("notice", "notice", "what became of the work: `kind` with any of `date`, `doi`", "none",
        "{kind: retraction, date: 2026-03-09}"),
    Key("open_access", "copy", "a copy that is free to read: its address, or `url` with `version`, `licence`",
        "none", "https://example.org/copy.pdf"),
)
NOTICE = _table(
    Key("kind", "kind of notice", "`retraction`, `concern` or `correction`", REQUIRED, "retraction", "type"),
    Key("date", "day", "day or month of the notice", "none", "2026-03-09"),
    Key("doi", "doi", "DOI of the notice", "none", "10.1002/cpp.2521", "DOI"),
)
COPY = _table(
    Key("url", "address", "address of the copy", REQUIRED, "https://example.org/copy.pdf"),
    Key("version", "text", "`publishedVersion`, `acceptedVersion` or `submittedVersion`", "none",
        "acceptedVersion"),
    Key("licence", "text", "licence of the copy", "none", "cc-by", "license"),
)
TERM = _table(
    Key("slug", "slug", "its part of addresses", REQUIRED, "alliance"),
    Key("label", "label", "its name, at most 200 characters", REQUIRED, "Alliance"),
    Key("description", "text", "what it is about, in one sentence"),
    Key("former", "slug", "list of slugs that it had before", "none", "[therapeutic-alliance]", many=True),
)
SITE = _table(
    Key("title", "text", "name of the blog", REQUIRED, "Psychotherapy Practice Research Network"),
    Key("subtitle", "text", "one sentence under it"),
    Key("short_title", "text", "what comes before the topic in the title of a feed", "`title`", "PPRNet"),
    Key("base_url", "base url", "where readers reach the feeds, without a slash at the end",
        "the address it listens on", "https://example.org/blog"),
    Key("tag_root", "tag root", "beginning of every permanent id; never changes", REQUIRED,
        "example.org,2013:blog"),
    Key("language", "language", "language tag", REQUIRED, "en-CA"),
    Key("time_zone", "time zone", "time zone of the dates of posts", REQUIRED, "America/Toronto"),
    Key("rights", "text", "one sentence", "none", "© Psychotherapy Practice Research Network"),
    Key("licence", "address", "address of the licence of the posts", "none",
        "https://creativecommons.org/licenses/by/4.0/"),
    Key("hubs", "address", "addresses of WebSub hubs", "none", "[https://hub.example/]", many=True),
    Key("entries", "entries", "how many posts a feed holds at least", "30", "30"),
    Key("icon", "png", "name of a square PNG below `feeds/`, at best 512 pixels wide", "our own mark",
        "icon.png"),
    Key("logo", "png", "name of a PNG below `feeds/` of any shape", "the icon", "logo.png"),
    Key("accent", "colour", "colour of links and buttons, in quotation marks; the pages use a darker or"
        " lighter shade where it could not be read", '`"#0b5f6f"`', '"#0b5f6f"'),
    Key("contact", "email", "an e-mail address for questions, published", "none", "editor@example.org"),
    Key("author", "group", "author of posts that name none", REQUIRED),
    Key("publisher", "group", "who publishes the blog"),
    Key("cache", "group", "how long answers may be cached"),
    Key("newsletter", "group", "the letter that goes out by mail"),
)
PUBLISHER = _table(
    Key("name", "line", "who publishes the blog", "the title", "University of Ottawa"),
    Key("url", "address", "its home page", "the base URL", "https://www.uottawa.ca"),
    Key("ror", "ror", "its identifier at [ROR](https://ror.org)", "none", "https://ror.org/03c4mmv16"),
    Key("issn", "issn", "the ISSN of the blog", "none", "2049-3630"),
)
CACHE = _table(
    Key("max_age", "seconds", "seconds an answer is fresh", "900", "900"),
    Key("stale_while_revalidate", "seconds", "further seconds it may be shown while a new one is fetched",
        "3600", "3600"),
    Key("stale_if_error", "seconds", "seconds it may be shown when we cannot be reached", "604800", "604800"),
)
NEWSLETTER = _table(
    Key("url", "address", "where people subscribe to it", "none", "https://example.org/newsletter"),
    Key("unsubscribe", "unsubscribe", "where they end that: an address, or `mailto:…`", "none",
        "https://example.org/newsletter/leave"),
)
#: The keys of a value, by its kind, and those below a key of the kind `group`.
PARTS = {"person": PERSON, "image": IMAGE, "citation": CITATION, "notice": NOTICE, "copy": COPY}
GROUPS = {"author": PERSON, "publisher": PUBLISHER, "cache": CACHE, "newsletter": NEWSLETTER}
# fmt: on
