"""The same blog for Hugo: its content files, and templates that draw the feeds we draw.

Main feed and one for each topic, in Atom, RSS and JSON, each with the newest 30 posts and in any
case the newest year, in full, with the citation's DOI; on demand the main feed's years as well. No pages for
people, so that nothing is built that is not compared.
"""

from __future__ import annotations

import json
from pathlib import Path

from sites import AUTHOR, BASE, TAG, TITLE, posts

_CONFIG = f"""\
baseURL = "{BASE}/"
title = "{TITLE}"
locale = "en"
timeZone = "UTC"
disableKinds = ["sitemap", "robotsTXT", "404"]
[markup.goldmark.renderer]
unsafe = false
[mediaTypes."application/atom+xml"]
suffixes = ["atom"]
[mediaTypes."application/rss+xml"]
suffixes = ["rss"]
[outputFormats.Atom]
mediaType = "application/atom+xml"
baseName = "feed"
[outputFormats.Rss2]
mediaType = "application/rss+xml"
baseName = "feed"
[outputFormats.Json]
mediaType = "application/json"
baseName = "feed"
isPlainText = true
[outputs]
home = ["Atom", "Rss2", "Json"]
term = ["Atom", "Rss2", "Json"]
taxonomy = []
section = []
page = []
"""
# The newest 30, and all of the newest year; a year's document holds that year.
_CHOICE = """\
{{- $all := .Pages.ByDate.Reverse -}}
{{- if .IsHome -}}{{- $all = site.RegularPages.ByDate.Reverse -}}{{- end -}}
{{- $shown := first 30 $all -}}
{{- with index $all 0 -}}
{{- $year := where $all "Params.years" "intersect" .Params.years -}}
{{- if gt (len $year) 30 -}}{{- $shown = $year -}}{{- end -}}
{{- end -}}
"""
_ATOM = (
    _CHOICE
    + f"""\
{{{{ printf "<?xml version='1.0' encoding='UTF-8'?>" | safeHTML }}}}
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" xml:lang="en">
<id>tag:{TAG}/feed{{{{ .RelPermalink }}}}</id><title>{{{{ .Title }}}}</title>
{{{{- with index $shown 0 }}}}<updated>{{{{ .Date.UTC.Format "2006-01-02T15:04:05Z" }}}}</updated>{{{{ end }}}}
<link rel="self" href="{{{{ .Permalink }}}}"/><link rel="alternate" type="text/html" href="{{{{ path.Dir .RelPermalink | absURL }}}}"/>
{{{{ range $shown }}}}<entry><id>tag:{TAG}/post/{{{{ .Params.key }}}}</id><title>{{{{ .Title }}}}</title>
<updated>{{{{ .Date.UTC.Format "2006-01-02T15:04:05Z" }}}}</updated><published>{{{{ .Date.UTC.Format "2006-01-02T15:04:05Z" }}}}</published>
<author><name>{AUTHOR}</name></author><link rel="alternate" type="text/html" href="{BASE}/posts/{{{{ .Params.key }}}}/"/>
<link rel="related" href="https://doi.org/{{{{ .Params.doi }}}}" title="{{{{ .Params.study }}}}"/>
{{{{ range .Params.labels }}}}<category term="{{{{ . | urlize }}}}" label="{{{{ . }}}}"/>{{{{ end }}}}
<dc:source>{{{{ .Params.cited }}}}</dc:source><prism:doi>{{{{ .Params.doi }}}}</prism:doi><prism:publicationName>{{{{ .Params.container }}}}</prism:publicationName>
<summary type="text">{{{{ .Summary | plainify }}}}</summary><content type="html">{{{{ printf "<p>%s</p>%s" (.Params.cited | htmlEscape) .Content | html }}}}</content></entry>
{{{{ end }}}}</feed>
"""
)
_RSS = (
    _CHOICE
    + f"""\
{{{{ printf "<?xml version='1.0' encoding='UTF-8'?>" | safeHTML }}}}
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:prism="http://prismstandard.org/namespaces/basic/2.0/"><channel>
<title>{{{{ .Title }}}}</title><link>{{{{ path.Dir .RelPermalink | absURL }}}}</link><description>{{{{ .Title }}}}</description><language>en</language>
<atom:link rel="self" href="{{{{ .Permalink }}}}"/>
{{{{ range $shown }}}}<item><title>{{{{ .Title }}}}</title><link>{BASE}/posts/{{{{ .Params.key }}}}/</link><guid isPermaLink="false">tag:{TAG}/post/{{{{ .Params.key }}}}</guid>
<pubDate>{{{{ .Date.UTC.Format "Mon, 02 Jan 2006 15:04:05 +0000" }}}}</pubDate><dc:creator>{AUTHOR}</dc:creator>
{{{{ range .Params.labels }}}}<category>{{{{ . }}}}</category>{{{{ end }}}}
<dc:source>{{{{ .Params.cited }}}}</dc:source><prism:doi>{{{{ .Params.doi }}}}</prism:doi><prism:publicationName>{{{{ .Params.container }}}}</prism:publicationName>
<description>{{{{ .Summary | plainify }}}}</description><content:encoded>{{{{ printf "<p>%s</p>%s" (.Params.cited | htmlEscape) .Content | html }}}}</content:encoded></item>
{{{{ end }}}}</channel></rss>
"""
)
_JSON = (
    _CHOICE
    + f"""\
{{{{- $items := slice -}}}}
{{{{- range $shown -}}}}
{{{{- $items = $items | append (dict "id" (printf "tag:{TAG}/post/%s" .Params.key) "url" (printf "{BASE}/posts/%s/" .Params.key) "title" .Title "summary" (.Summary | plainify) "content_html" (printf "<p>%s</p>%s" (.Params.cited | htmlEscape) .Content) "date_published" (.Date.UTC.Format "2006-01-02T15:04:05Z") "tags" .Params.labels "external_url" (printf "https://doi.org/%s" .Params.doi) "_citation" (dict "DOI" .Params.doi "title" .Params.study "container-title" .Params.container)) -}}}}
{{{{- end -}}}}
{{{{- dict "version" "https://jsonfeed.org/version/1.1" "title" .Title "feed_url" .Permalink "home_page_url" (path.Dir .RelPermalink | absURL) "authors" (slice (dict "name" "{AUTHOR}")) "items" $items | jsonify -}}}}
"""
)


def make_hugo_site(folder: Path, count: int) -> Path:
    """Write the blog of *count* posts for Hugo."""
    content = folder / "content" / "posts"
    content.mkdir(parents=True)
    for post in posts(count):
        year = content / str(post.date.year)
        year.mkdir(exist_ok=True)
        labels = [label for _, label in post.topics] + [post.research[1]]
        header = {
            "title": post.title,
            "date": post.moment,
            "key": post.name,
            "topics": [slug for slug, _ in post.topics],
            "years": [str(post.date.year)],
            "labels": labels,
            "cited": post.cited["text"],
            "study": post.cited["title"],
            "doi": post.cited["doi"],
            "container": post.cited["container"],
            "summary": post.summary,
        }
        lines = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in header.items())
        (year / f"{post.name}.md").write_text(f"---\n{lines}---\n\n{post.body}")
    layouts = folder / "layouts"
    layouts.mkdir()
    for name, text in (("atom.atom", _ATOM), ("rss2.rss", _RSS), ("json.json", _JSON)):
        for kind in ("home", "term"):
            (layouts / f"{kind}.{name}").write_text(text)
    (folder / "hugo.toml").write_text(_CONFIG)
    (folder / "topics.toml").write_text('[taxonomies]\ntopic = "topics"\n')
    (folder / "archives.toml").write_text('[taxonomies]\ntopic = "topics"\nyear = "years"\n')
    return folder
