"""Tables of measurements: the part of a technique's page, and the page docs/research/results.md."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator, Sequence

from reasoning.benchmarks.analysis.paired import ALPHA
from reasoning.benchmarks.analysis.summary import StrategySummary
from reasoning.benchmarks.analysis.summary_table import fit_legend
from reasoning.benchmarks.results.fitted import fitted_records
from reasoning.benchmarks.results.settings import sampling_settings, short_model_name
from reasoning.registry import places
from technique_pages.chart import file_name
from technique_pages.markdown import code, link, prose, table
from technique_pages.measurements import REFERENCE, Measured, chosen_split, technique, tokens_of
from technique_pages.sections import NOT_MEASURED, Section, find_place

DIFFERENCE = f"difference to `{REFERENCE}`"
HEADER = ("accuracy", "95 %", "calls", "tokens", "seconds", DIFFERENCE, "vote with as many tokens")
NONE = "Not measured yet.\n"
EARLIER = (
    "† Measured with earlier prompts of the technique or an earlier wording of the problems. The command sends "
    "today's, so these rows take new calls, and their numbers may differ."
)

_FEW = 48
"""The problems of the largest tables."""


def least_difference() -> int:
    """Return the least number of problems for which exact McNemar's p can be below `ALPHA`: all for one strategy."""
    return next(problems for problems in range(1, _FEW) if 2 * 0.5**problems < ALPHA)


_ABOUT = (
    "Calls, tokens (prompt and completion) and seconds are per problem. Seconds are model time, one call after the "
    "other, on a machine that may have been busy. The difference is in points, with Tango's paired 95 % interval, "
    "over the problems that both answered. The p value is exact McNemar with Holm's correction over the differences "
    f"of the table. The difference is bold if p is below {ALPHA:g}, also if every answer of the worse strategy that a "
    "limit cut off had been right. An unparsed answer counts as wrong.",
    f"The vote is self-consistency over `{REFERENCE}` with about as many tokens: the simplest way to spend them. It "
    "is the mean over all choices of k from the recorded draws, with its interval. Its tokens are the prompt "
    "that all draws share, once, and the k draws with the calls that follow.",
    f"The order within a table is no ranking. With {_FEW} problems, p below {ALPHA:g} takes a difference of at least "
    f"{least_difference()} problems ({100 * least_difference() / _FEW:.1f} points), even if the better strategy is "
    f"right wherever the other one is, and more with the correction. On other problems of `gsm_symbolic`, "
    f"`{REFERENCE}(shots=4)` was at 35 % and `{REFERENCE}` at 30 %: smaller differences are noise.",
    f"What a part brings is a difference within a table: on `table_questions`, `vanilla`, `{REFERENCE}` and its vote "
    f"read the table as text, and the others query it; on `encyclopaedia`, `vanilla`, `{REFERENCE}` and its vote do "
    "not search. What a technique has learned first is in a column of its own, which the other columns do not contain.",
    "Long specs are abbreviated; the command above each table has them in full.",
    f"{code('scripts/cards --results DIR')} generates a table from a results folder. "
    f"{link('The recorded draws', 'measured/README.md')} are in the repository: once they are imported, the commands "
    "above the tables make no call for the rows without †.",
)


def measured_part(name: str, sections: Sequence[Section]) -> str:
    """Return the rows of one technique, out of all tables."""
    rows = [
        [code(section.title), code(row.spec) + " †" * row.earlier, *row.cells[: len(HEADER)]]
        for section in sections
        for row in section.rows
        if row.technique == name
    ]
    if not rows:
        return NONE
    rendered = table(["on", "spec", *HEADER], rows, len(HEADER))
    if any("†" in row[1] for row in rows):
        rendered += f"\n\n{_wrap(EARLIER)}"
    return f"{rendered}\n\n{link('All techniques and the meaning of the columns', '../../research/results.md')}.\n"


def results_page(sections: Sequence[Section]) -> str:
    """Return the page of all tables."""
    parts = ["# Measured results", *map(_wrap, _ABOUT)]
    parts += [f"## {section.heading}\n\n{section.text}" for section in sections]
    seen = {row.technique for section in sections for row in section.rows}
    missing = [link(code(name), f"../reference/techniques/{name}.md") for name in places() if name not in seen]
    if missing:
        parts += [f"## {NOT_MEASURED}", f"{', '.join(missing)}."]
    return "\n\n".join(parts) + "\n"


def add_table(sections: list[Section], measurement: Measured) -> Section:
    """Put a table in the place of the one that it continues, or at the end, and return it."""
    heading = prose(measurement.found.comparison.title)
    place = find_place(sections, heading, measurement.store.specs)
    task = str(measurement.store.settings["task"])
    old = sections[place : place + 1]
    picture = old[0].picture if old else file_name(task, [one.picture for one in sections])
    sections[place : place + 1] = [section := Section(heading, "\n\n".join(_parts(measurement, picture)))]
    return section


def _wrap(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _parts(measurement: Measured, picture: str) -> Iterator[str]:
    alt = "Accuracy of each technique, and of a vote with about as many tokens; the table has the numbers."
    yield f"![{alt}](measured/{picture})"
    yield "Command:"
    yield f"```sh\n{command(measurement)}\n```"
    names = measurement.found.names
    cells = [
        [
            _linked(row.strategy, names(row.strategy)) + _mark(measurement, row),
            *_cells(measurement, row),
            f"{row.unparsed}",
        ]
        for row in measurement.ranked
    ]
    header = ["strategy", *HEADER, "unparsed"]
    if any(row.fit_usage for row in measurement.ranked):
        header.append("fitting tokens")
        for own, row in zip(cells, measurement.ranked, strict=True):
            own.append(f"{row.fit_usage.tokens:,}" if row.fit_usage else "–")
    yield table(header, cells, len(header) - 1)
    if measurement.earlier:
        yield _wrap(EARLIER)
    if remarks := [*measurement.found.comparison.caveats, *fit_legend(measurement.ranked)]:
        yield "\n".join(f"- {prose(names(remark))}" for remark in remarks)
    facts = measurement.found.facts
    yield prose(". ".join(f"{name}: {facts[name]}" for name in ("model", "source", "library") if name in facts)) + "."


def command(measurement: Measured) -> str:
    """Return the command that produces a results folder like this one."""
    settings = measurement.store.settings
    fits = fitted_records(measurement.store)
    pool, pool_size = fits[0].asked_for if fits else (None, None)
    options = {
        "task": settings["task"],
        "split": chosen_split(settings),
        "model": short_model_name(settings["model"]),
        "base-url": settings.get("base_url"),
        "limit": len(measurement.store.examples),
        "pool": pool,
        "pool-size": pool_size,
        "seed": settings.get("seed"),
        **{name.replace("_", "-"): value for name, value in sampling_settings(settings).items()},
        "strategies": ", ".join(measurement.store.specs),
    }
    words = [f"--{name} {shlex.quote(str(value))}" for name, value in options.items() if value is not None]
    return " \\\n    ".join(["reasoning bench run", *words])


def _linked(spec: str, text: str) -> str:
    name = technique(spec)
    return link(code(text), f"../reference/techniques/{name}.md") if name in places() else code(text)


def _mark(measurement: Measured, row: StrategySummary) -> str:
    return " †" if row.strategy in measurement.earlier else ""


def _cells(measurement: Measured, row: StrategySummary) -> list[str]:
    low, high = row.interval
    solves = row.n + row.failed
    return [
        f"{100 * row.accuracy:.1f} %",
        f"{100 * low:.0f}–{100 * high:.0f}",
        f"{row.usage.calls / solves:.1f}",
        f"{tokens_of(row):,.0f}",
        f"{row.seconds:.1f}",
        _difference(measurement, row),
        _vote(measurement, row),
    ]


def _difference(measurement: Measured, row: StrategySummary) -> str:
    pair = measurement.against.get(row.strategy)
    if pair is None or not pair.n:
        return "–"
    difference = pair.difference
    value = f"{100 * difference.value:+.1f} ({100 * difference.low:+.0f} to {100 * difference.high:+.0f})".replace(
        "-", "−"
    )
    return f"**{value}**, p = {pair.p_adjusted:.2g}" if pair.is_significant else f"{value}, p = {pair.p_adjusted:.2g}"


def _vote(measurement: Measured, row: StrategySummary) -> str:
    vote = measurement.vote_for(row)
    if vote is not None:
        details = f"k = {vote.k}, {vote.tokens:,.0f} tokens"
        return f"{100 * vote.accuracy:.1f} %, {100 * vote.low:.0f}–{100 * vote.high:.0f} ({details})"
    if not measurement.votes:
        return "no draws"
    first, last = measurement.votes[0], measurement.votes[-1]
    if tokens_of(row) < first.tokens:
        return f"one draw takes more ({first.tokens:,.0f})"
    return f"beyond the {last.k} draws ({last.tokens:,.0f}: {100 * last.accuracy:.1f} %)"
