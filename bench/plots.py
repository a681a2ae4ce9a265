"""Pictures of what was measured: bars and lines, as SVG of a few lines on a ground of its own.

Scales begin at zero, so that a small difference looks small.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

WIDTH, LEFT = 720, 220
_STYLE = (
    "text{font:13px sans-serif;fill:#333}.t{font-weight:bold;font-size:15px}.b{fill:#8fa3b8}.o{fill:#2f7d5b}"
    ".l{fill:none;stroke:#2f7d5b;stroke-width:2}.g{stroke:#ccc}.e{text-anchor:end}"
)


def bars(title: str, figures: Sequence[tuple[str, float]], unit: str) -> str:
    """Bars beside each other, the longest over the whole width; ours in green."""
    most = max(figure for _, figure in figures)
    parts = []
    for place, (name, figure) in enumerate(figures):
        top = 44 + place * 30
        length = max(1.0, figure / most * (WIDTH - LEFT - 90))
        kind = "o" if name.startswith("ours") else "b"
        parts.append(f'<text class="e" x="{LEFT - 10}" y="{top + 15}">{html.escape(name)}</text>')
        parts.append(f'<rect class="{kind}" x="{LEFT}" y="{top}" width="{length:.1f}" height="20" rx="2"/>')
        parts.append(f'<text x="{LEFT + 6 + length:.1f}" y="{top + 15}">{_shown(figure)} {unit}</text>')
    return _picture(title, 54 + len(figures) * 30, parts)


def line(title: str, points: Sequence[tuple[float, float]], across: str, up: str) -> str:
    """One line over time; its scale begins at zero, so that what is flat looks flat."""
    wide, high = max(x for x, _ in points) or 1, max(y for _, y in points) * 1.1 or 1
    left, top, width, height = 70, 40, WIDTH - 100, 200

    def place(x: float, y: float) -> str:
        return f"{left + x / wide * width:.1f},{top + height - y / high * height:.1f}"

    parts = []
    for step in range(5):
        y = high * step / 4
        level = top + height - height * step / 4
        parts.append(f'<line class="g" x1="{left}" x2="{left + width}" y1="{level}" y2="{level}"/>')
        parts.append(f'<text class="e" x="{left - 8}" y="{level + 4}">{_shown(y)}</text>')
    parts.append(f'<polyline class="l" points="{" ".join(place(x, y) for x, y in points)}"/>')
    parts.append(
        f'<text class="e" x="{left + width}" y="{top + height + 22}">{_shown(wide)} {html.escape(across)}</text>'
    )
    parts.append(f'<text x="{left}" y="{top + height + 22}">{html.escape(up)}</text>')
    return _picture(title, top + height + 36, parts)


def _picture(title: str, height: int, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    name = html.escape(title)
    frame = f'<title>{name}</title><style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([head, frame, f'<text class="t" x="12" y="24">{name}</text>', *parts, "</svg>", ""])


def _shown(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.2f}".rstrip("0").rstrip(".")
