"""A picture of a search as SVG: the score of each candidate against the tokens of the search, and the chosen one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reasoning.pages.palette import ON_WHITE
from reasoning.tables import escape_html
from reasoning.tuning.svg import WIDTH, frame_picture

# In pixels: the height of the picture, and the margins of the plot.
_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 340, 56, 20, 40, 52
_TICKS = 5


def search_picture(events: Sequence[Mapping[str, Any]], chosen: str, title: str, original: float) -> str:
    """Return a picture of a search; each candidate's tooltip says where it comes from.

    Args:
        events: the log.
        chosen: the key of the chosen candidate.
        title: the title.
        original: the score of the original on the selection pool.
    """
    raced = [event for event in events if event.get("event") == "candidate"]
    most = max((float(event["tokens"]) for event in raced), default=1.0) or 1.0
    ink, dim, line = ON_WHITE["ink"], ON_WHITE["dim"], ON_WHITE["line"]

    def x(tokens: float) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * tokens / most, 1)

    def y(score: float) -> float:
        return round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * score, 1)

    parts = [f'<text x="{_LEFT}" y="20" font-weight="bold" fill="{ink}">{escape_html(title)}</text>']
    for index in range(_TICKS + 1):
        share = index / _TICKS
        parts.append(
            f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(share)}" y2="{y(share)}" stroke="{line}"/>'
            f'<text x="{_LEFT - 8}" y="{y(share) + 4}" text-anchor="end" fill="{dim}">{100 * share:.0f} %</text>'
            f'<text x="{x(most * share)}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle" fill="{dim}">'
            f"{most * share:,.0f}</text>"
        )
    parts.append(
        f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(original)}" y2="{y(original)}" stroke="{dim}" '
        f'stroke-dasharray="5 4"/><text x="{WIDTH - _RIGHT}" y="{y(original) - 5}" text-anchor="end" fill="{dim}">'
        f"original {100 * original:.0f} %</text>"
    )
    steps = [(event["tokens"], event["score"]) for event in raced if event["decision"] == "best so far"]
    if steps:
        path = f"M {x(0)} {y(original)} " + " ".join(f"H {x(tokens)} V {y(score)}" for tokens, score in steps)
        parts.append(f'<path d="{path} H {x(most)}" fill="none" stroke="{ON_WHITE["s1"]}" stroke-width="2"/>')
    parts += [_mark(event, x(event["tokens"]), y(event["score"]), event["key"] == chosen) for event in raced]
    parts.append(
        f'<text x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 12}" text-anchor="middle" fill="{dim}">'
        "tokens of the search · ● best so far · ○ not better · × stopped by the race · ★ chosen</text>"
    )
    return frame_picture(parts, _HEIGHT, title)


def _mark(event: Mapping[str, Any], x: float, y: float, is_chosen: bool) -> str:
    score = f"{100 * event['score']:.0f} % of {event['examples']}"
    words = f"candidate {event['number']}: {event['origin']}; {score}; {event['decision']}"
    tip = f"<title>{escape_html(words)}</title>"
    if is_chosen:
        mark = f'<text x="{x}" y="{y + 7}" text-anchor="middle" font-size="20" fill="{ON_WHITE["right"]}">★</text>'
    elif event["decision"] == "best so far":
        mark = f'<circle cx="{x}" cy="{y}" r="4.5" fill="{ON_WHITE["s1"]}"/>'
    elif str(event["decision"]).startswith(("stopped", "cannot")):
        mark = f'<text x="{x}" y="{y + 4}" text-anchor="middle" fill="{ON_WHITE["wrong"]}">×</text>'
    else:
        mark = f'<circle cx="{x}" cy="{y}" r="4" fill="{ON_WHITE["paper"]}" stroke="{ON_WHITE["dim"]}"/>'
    return f"<g>{tip}{mark}</g>"
