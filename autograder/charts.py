"""Charts as inline SVG, in the page's own colours: no script, no other file. Each says in words what it shows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from .figures import STEPS, Scores

WIDTH, HEIGHT = 720, 250
LEFT, RIGHT, TOP, BOTTOM = 40, 14, 34, 62


def histogram(scores: Scores, reachable: float) -> Markup:
    """The distribution of scores: bars, the mean, and below them a box from quartile to quartile."""
    top = max((count for _, _, count in scores.bins), default=0)
    end = max(scores.bins[-1][1] if scores.bins else scores.maximum, 1e-9)
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**6) if top / s <= 5)
    high = max(step, -(-top // step) * step)

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * value / end

    def y(count: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * count / high

    parts = []
    for count in range(0, high + 1, step):
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(count):.1f}" y2="{y(count):.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y(count) + 4:.1f}" text-anchor="end">{count}</text>')
    last = len(scores.bins) - 1
    for i, (start, stop, count) in enumerate(scores.bins):
        words = f"{count} from {start:g} to {'' if i == last else 'below '}{stop:g}"
        parts.append(
            f'<rect class="bar" x="{x(start) + 1:.1f}" width="{max(1.0, x(stop) - x(start) - 2):.1f}" y="{y(count):.1f}" '
            f'height="{y(0) - y(count):.1f}"><title>{words}</title></rect>'
        )
        if x(end) - x(start) > 24:
            at = f'x="{x(start):.1f}" y="{y(0) + 16:.1f}"'
            parts.append(f'<text class="tick" {at} text-anchor="middle">{start:g}</text>')
        if count:
            parts.append(
                f'<text class="count" x="{(x(start) + x(stop)) / 2:.1f}" y="{y(count) - 4:.1f}" '
                f'text-anchor="middle">{count}</text>'
            )
    parts.append(f'<text class="tick" x="{x(end):.1f}" y="{y(0) + 16:.1f}" text-anchor="middle">{end:g}</text>')
    box = y(0) + 34
    parts += [
        f'<line class="whisker" x1="{x(min(scores.values)):.1f}" x2="{x(max(scores.values)):.1f}" y1="{box}" y2="{box}"/>',
        f'<rect class="box" x="{x(scores.lower):.1f}" width="{max(2.0, x(scores.upper) - x(scores.lower)):.1f}" '
        f'y="{box - 8}" height="16"/>',
        f'<line class="median" x1="{x(scores.median):.1f}" x2="{x(scores.median):.1f}" y1="{box - 8}" y2="{box + 8}"/>',
        f'<line class="mean" x1="{x(scores.mean):.1f}" x2="{x(scores.mean):.1f}" y1="{TOP - 12}" y2="{box + 8}"/>',
        f'<text class="label" x="{x(scores.mean):.1f}" y="{TOP - 18}" '
        f'text-anchor="{_anchor(x(scores.mean))}">mean {scores.mean:.1f}</text>',
    ]
    if reachable < scores.maximum:
        parts.append(
            f'<line class="reach" x1="{x(reachable):.1f}" x2="{x(reachable):.1f}" y1="{TOP}" y2="{y(0):.1f}"/>'
        )
    said = (
        f"Histogram of {len(scores.values)} scores out of {scores.maximum:g}: mean {scores.mean:.1f}, "
        f"median {scores.median:g}, quartiles {scores.lower:g} and {scores.upper:g}. The numbers stand in the table."
    )
    return _svg(WIDTH, HEIGHT, said, parts, "histogram")


def _anchor(at: float) -> str:
    return "start" if at < LEFT + 40 else "end" if at > WIDTH - RIGHT - 40 else "middle"


def share(value: float, width: int = 120) -> Markup:
    """A bar for a share from 0 to 1; the number stands beside it."""
    filled = width * min(max(value, 0.0), 1.0)
    return Markup(
        f'<svg class="share" width="{width}" height="10" viewBox="0 0 {width} 10" aria-hidden="true">'
        f'<rect class="rest" width="{width}" height="10" rx="2"/>'
        f'<rect class="bar" width="{filled:.1f}" height="10" rx="2"/></svg>'
    )


def stack(parts: Sequence[tuple[str, int]], width: int = 170) -> Markup:
    """Counts side by side in one bar: (class, count). The numbers stand beside it."""
    total, at, drawn = sum(count for _, count in parts) or 1, 0.0, []
    for kind, count in parts:
        wide = width * count / total
        if count:
            drawn.append(f'<rect class="{escape(kind)}" x="{at:.1f}" width="{wide:.1f}" height="14"/>')
        at += wide
    return Markup(
        f'<svg class="stack" width="{width}" height="14" viewBox="0 0 {width} 14" aria-hidden="true">{"".join(drawn)}</svg>'
    )


def strip(values: Sequence[float], unit: str) -> Markup:
    """Each value as a dot along a line, the time a submission took."""
    step = next((s for s in STEPS if max([*values, 0.01]) / s <= 6), max(values) / 6)
    high, y = step * max(1, math.ceil(max(values) / step)), 22
    parts = [f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>']
    for number in range(round(high / step) + 1):
        at = LEFT + (WIDTH - LEFT - RIGHT) * number * step / high
        anchor = "end" if at > WIDTH - RIGHT - 10 else "middle"
        parts.append(
            f'<text class="tick" x="{at:.1f}" y="{y + 26}" text-anchor="{anchor}">{number * step:g} {unit}</text>'
        )
    for value in sorted(values):
        at = LEFT + (WIDTH - LEFT - RIGHT) * value / high
        parts.append(f'<circle class="dot" cx="{at:.1f}" cy="{y}" r="5"/>')
    said = f"{len(values)} submissions along a line from 0 to {high:.3g} {unit}, a dot each."
    return _svg(WIDTH, 56, said, parts, "strip")


def _svg(width: int, height: int, said: str, parts: Sequence[str], kind: str) -> Markup:
    return Markup(
        f'<svg class="{kind}" role="img" aria-label="{escape(said)}" viewBox="0 0 {width} {height}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )
