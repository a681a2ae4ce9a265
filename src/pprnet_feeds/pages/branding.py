"""The icons and the colour of a site: what the editor chose, else a mark and a colour of our own."""

import struct
from base64 import b64encode
from collections.abc import Iterable

from pprnet_feeds.content.model import Site
from pprnet_feeds.syndication.urls import FAVICON, ICON, ICON_SVG, LOGO

_ICO_MOST = 256  # pixels
# The darkest of the light grounds that text is on, and the lightest of the dark ones (site.css).
_GROUNDS = ((0xFF, 0xE9, 0xA8), (0x57, 0x45, 0x0F))
_CONTRAST = 5.0  # WCAG 2.2 asks for 4.5 (§1.4.3); a button under the pointer is a little brighter


def picture(path: str, site: Site) -> tuple[bytes, str] | None:
    """The bytes and media type of a picture that the editor chose; None where there is none of these."""
    icon = site.icon
    if path == LOGO and site.logo:
        return site.logo.data, "image/png"
    if icon is None or path not in (FAVICON, ICON, ICON_SVG):
        return None
    if path == ICON_SVG:
        image = f"data:image/png;base64,{b64encode(icon.data).decode()}"
        size = f'width="{icon.width}" height="{icon.height}"'
        box = f'viewBox="0 0 {icon.width} {icon.height}"'
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" {box}><image {size} href="{image}"/></svg>\n'
        return svg.encode(), "image/svg+xml"
    # Browsers and readers take a PNG under any name, and refuse an ICO with a larger one inside.
    if path == ICON or icon.width > _ICO_MOST:
        return icon.data, "image/png"
    # An ICO file with one PNG; 0 means 256 pixels.
    sides = (icon.width % _ICO_MOST, icon.height % _ICO_MOST)
    head = struct.pack("<3H4B2H2I", 0, 1, 1, *sides, 0, 0, 1, 32, len(icon.data), 22)
    return head + icon.data, "image/vnd.microsoft.icon"


def accent_css(accent: str) -> bytes:
    """The rules that colour the pages; each of two shades can be read on its grounds."""
    colour = tuple(bytes.fromhex(accent[1:]))
    light, dark = (_readable(colour, ground, end) for ground, end in zip(_GROUNDS, (0, 255), strict=True))
    return (
        f"\n:root {{ --accent: {light} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ --accent: {dark} }} }}\n"
    ).encode()


def _readable(colour: Iterable[int], ground: Iterable[int], end: int) -> str:
    """*colour*, mixed with as much black or white (*end*) as its contrast with *ground* needs."""
    behind = _luminance(ground)
    shades = ([round(part + (end - part) * step / 50) for part in colour] for step in range(51))
    for shade in shades:
        darker, lighter = sorted((_luminance(shade), behind))
        if (lighter + 0.05) / (darker + 0.05) >= _CONTRAST and (darker == behind) == bool(end):
            break
    return "#" + bytes(shade).hex()


def _luminance(colour: Iterable[int]) -> float:
    """The relative luminance of an sRGB colour (WCAG 2.2)."""
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
