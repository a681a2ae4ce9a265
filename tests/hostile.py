"""A site whose every word tries to run a script, written to real files.

Whoever writes here may be trusted, but what is pasted from a publisher's page
may not. Two things would tell that a text became active: a dialog, and
``window.hacked``.
"""

from __future__ import annotations

import json
from pathlib import Path

# Ends an attribute or an element and runs as soon as it stands in a page; and one for a script's text.
ACTIVE = '"><img src=x onerror=alert(1)>'
CLOSING = "</script></title></textarea><script>window.hacked = 1</script>"

BODY = """\
<script>window.hacked = 1; alert(2)</script>
<scr<script>ipt>alert(3)</scr</script>ipt>

<img src="x" alt="" onerror="window.hacked = 1"> <svg onload="alert(4)"><script>alert(5)</script></svg>

<iframe srcdoc="<script>parent.hacked = 1</script>"></iframe> <object data="javascript:alert(6)"></object>
<form action="javascript:alert(7)"><button autofocus onfocus="alert(8)">Send</button></form>
<base href="https://evil.example/"> <meta http-equiv="refresh" content="0;url=https://evil.example/">
<style>* { background: url(https://evil.example/beacon) }</style>
<link rel="stylesheet" href="https://evil.example/x.css">
<math><mtext><table><mglyph><style><!--</style>
<img src="x" alt="" title="--&gt;&lt;img src=1 onerror=alert(9)&gt;">

[a link](javascript:alert(10)) <a href="&#106;avascript:alert(11)">another</a>
![a picture](javascript:alert(12)) <p style="position:fixed;inset:0" onmouseover="alert(13)">Some words.</p>

]]> <!-- --!> <img src=x alt="" onerror=alert(14)> --> {{ 7 * 7 }} {% raw %}

## Practice Implications

<details open ontoggle="alert(15)"><summary>Ask</summary>about evenings.</details>
"""


def make_hostile_site(folder: Path) -> Path:
    """Make the site. Whatever an editor can type holds `ACTIVE`; it says nothing of where it is served."""
    (folder / "posts").mkdir(parents=True)
    (folder / "feeds").mkdir()
    _write(
        folder / "feeds/site.yaml",
        title=f"Title {ACTIVE}",
        short_title=f"Short {ACTIVE}",
        subtitle=f"Subtitle {ACTIVE} {CLOSING}",
        tag_root="hostile.example.org,2013:blog",
        author={"name": f"Author {ACTIVE}"},
        language="en",
        time_zone="UTC",
        rights=f"Rights {ACTIVE}",
    )
    topic = {"slug": "hostile", "label": f"Topic {ACTIVE}", "description": f"Described {ACTIVE} {CLOSING}"}
    _write(folder / "feeds/topics.yaml", topic, {"slug": "quiet", "label": f"Quiet {CLOSING}"})
    _write(folder / "feeds/research.yaml", {"slug": "trials", "label": f"Type {ACTIVE}"})
    _write(folder / "feeds/issues.yaml", **{"2021-03": f"I write {ACTIVE} {CLOSING}"})
    _post(folder, "2021-03-one", title=f"Post {ACTIVE}", summary=f"Summary {ACTIVE} {CLOSING}")
    _post(folder, "2021-03-two", title=f"Post {CLOSING}", status="corrected", note=f"Note {ACTIVE}")
    return folder


def _post(folder: Path, name: str, **keys: str) -> None:
    cited = {
        "text": f"Cited {ACTIVE} {CLOSING} (2020). doi: 10.5555/x.1",
        "title": f"Study {ACTIVE}",
        "authors": [f"Family {ACTIVE}, Given {CLOSING}"],
        "container": f"Journal {ACTIVE}",
        "publisher": f"Publisher {CLOSING}",
        "doi": "10.5555/x.1",
        "year": "2020",
    }
    header = {
        "date": name[:7],
        "topics": ["hostile", "quiet"],
        "research": ["trials"],
        "authors": [f"Writer {ACTIVE}", {"name": f"Second {CLOSING}", "url": "https://example.org/b"}],
        "image": {"url": "/favicon.ico", "alt": f"Picture {ACTIVE}", "width": "32", "height": "32"},
        "cites": [cited],
    } | keys
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in header.items())
    (folder / f"posts/{name}.md").write_text(f"---\n{lines}---\n{BODY}", encoding="utf-8")


def _write(path: Path, *terms: object, **keys: object) -> None:
    lines = [f"- {json.dumps(term)}\n" for term in terms]  # JSON is YAML
    path.write_text("".join(lines + [f"{key}: {json.dumps(value)}\n" for key, value in keys.items()]))
