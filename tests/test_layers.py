"""Which package may import which, and which module owns which library."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "pprnet_feeds"
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(path.read_text("utf-8"), path.name)
    for path in sorted(PACKAGE.rglob("*.py"))
}

# What each package may import besides itself, in the order in which data moves.
MAY_IMPORT = {
    "content": set(),
    "settings": {"content"},
    "syndication": {"content", "settings"},
    "pages": {"content", "settings", "syndication"},
    "state": {"content", "settings", "syndication"},
    "serving": {"content", "settings", "syndication", "pages", "state"},
    "publishing": {"content", "settings", "syndication", "pages", "state", "serving"},
    "websub": {"content", "settings", "syndication", "pages", "state", "serving"},
    "stats": {"content", "settings", "syndication", "pages", "state", "serving"},
    "importing": {"content", "syndication", "publishing"},
    "exporting": {"content", "settings", "syndication", "pages", "state", "serving"},
    "commands": {
        *("content", "settings", "syndication", "pages", "state"),
        *("serving", "publishing", "importing", "exporting", "websub", "stats"),
    },
    "public": {"content", "settings", "state", "serving", "publishing"},
    "cli": {"commands"},
    "__main__": {"cli"},
    "__init__": {"content", "public"},
}

# The modules that may import a library from outside: one, so that its habits are known in one place.
OWNERS = {
    "yaml": {"content.yaml"},
    "comrak": {"content.markdown"},
    "nh3": {"content.markdown"},
    "css_inline": {"syndication.month"},
    "feedgen": {"syndication.xml"},
    "lxml": {"syndication.xml"},
    "jinja2": {"pages.pages"},
    "brotli": {"serving.encoding"},
    "starlette": {"public", "serving.app", "serving.preview", "stats.extension"},
    "psycopg": {"state.database"},
    "obstore": {"exporting.places"},
    "httpx2": {"publishing.doi", "websub.client"},
    "markdownify": {"importing.to_markdown"},
    "bs4": {"importing.html"},
    "feedparser": {"importing.feeds"},
    "mammoth": {"importing.word"},
    "watchfiles": {"serving.reload"},
    "uvicorn": {"commands.serve", "serving.protocol"},
    "httptools": {"serving.protocol"},
    "click": {"cli", *(name for name in MODULES if name.startswith("commands."))},
}

# The rest is a function of its arguments: the same posts give the same bytes.
MAY_KNOW_THE_TIME = {
    "commands.options",
    "serving.protocol",  # the field `Date`
    "serving.reload",
}
IMPURE_LIBRARIES = {"random", "secrets", "uuid", "locale", "socket", "platform", "getpass"}
IMPURE_CALLS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    *("time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter"),
    *("time.localtime", "time.gmtime", "time.strftime", "time.ctime"),
    *("os.urandom", "os.uname", "os.getlogin"),
}

# What Python has on Windows is less; uvloop is not made for it.
POSIX_ONLY = {
    *("crypt", "curses", "fcntl", "grp", "nis", "posix", "pty", "pwd", "readline", "resource", "spwd"),
    *("syslog", "termios", "tty", "uvloop"),
}

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}


def package_of(name: str) -> str:
    return name.split(".")[0]


def imports(module: str) -> Iterator[str]:
    """Every dotted name that *module* imports, at its top or within a function."""
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: write the import in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def impure_names(module: str) -> Iterator[str]:
    used = {dotted(node) for node in ast.walk(MODULES[module]) if isinstance(node, ast.Attribute)}
    for name in used.union(imports(module)):
        if package_of(name) in IMPURE_LIBRARIES or ".".join(name.split(".")[-2:]) in IMPURE_CALLS:
            yield name


def test_an_import_uses_of_publishing_only_how_a_post_file_is_written():
    used = {name for module in MODULES if package_of(module) == "importing" for name in imports(module)}
    publishing = {name for name in used if name.startswith("pprnet_feeds.publishing.")}
    assert {".".join(name.split(".")[:3]) for name in publishing} == {"pprnet_feeds.publishing.postfile"}


every_module = pytest.mark.parametrize("module", MODULES)


def test_every_package_has_its_place_in_the_order():
    assert {package_of(module) for module in MODULES} <= set(MAY_IMPORT)


@every_module
def test_a_package_imports_only_from_those_before_it(module):
    ours = (name.split(".") for name in imports(module) if package_of(name) == "pprnet_feeds")
    known = {parts[1] for parts in ours if len(parts) > 1 and parts[1] in MAY_IMPORT}
    assert known <= MAY_IMPORT[package_of(module)] | {package_of(module)}


@every_module
def test_a_library_from_outside_is_imported_by_its_owner_only(module):
    foreign = {package_of(name) for name in imports(module)} - set(sys.stdlib_module_names) - {"pprnet_feeds"}
    assert {library for library in foreign if module not in OWNERS.get(library, ())} == set()


@every_module
def test_nothing_but_the_edges_asks_the_clock_the_machine_or_chance(module):
    if module not in MAY_KNOW_THE_TIME:
        assert list(impure_names(module)) == []


@every_module
def test_no_module_needs_more_than_windows_has_to_be_imported(module):
    at_top = [node for node in MODULES[module].body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in at_top if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in at_top if isinstance(node, ast.ImportFrom)}
    assert {package_of(name) for name in names} & POSIX_ONLY == set()


@every_module
def test_a_module_can_be_read_in_one_sitting(module):
    path = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
    lines = path.read_text("utf-8").count("\n")
    assert lines <= 400


@every_module
def test_a_module_is_named_after_what_it_does(module):
    assert FORBIDDEN_NAMES.isdisjoint(module.replace("_", ".").split("."))


@every_module
def test_a_module_says_what_it_is_for(module):
    assert ast.get_docstring(MODULES[module])
