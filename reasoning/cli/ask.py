"""The command `reasoning ask`."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reasoning.cli import config
from reasoning.cli.completion import complete_kinds, complete_specs
from reasoning.cli.options import MODEL, TASK, Model, ModelOptions, NewSamples, PromptTexts, Structured
from reasoning.cli.output import CALLS_FAILED, OutputOptions, console, info
from reasoning.errors import UsageError

if TYPE_CHECKING:
    from reasoning.answer import Answer
    from reasoning.kinds import Kind
    from reasoning.tables import Document


def ask(
    question: Annotated[str | None, typer.Argument(help="The question; or give --file.")] = None,
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy",
            "-s",
            help="The spec of a strategy, such as cot, or a folder of tuned prompts, such as ./tuned.",
            metavar="SPEC",
            callback=config.resolve_strategies,
            autocompletion=complete_specs,
        ),
    ] = "cot",
    model: Model = "local",
    file: Annotated[
        str | None,
        typer.Option("--file", "-f", help="Read the question from this file; - is standard input.", metavar="FILE"),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="The kind of answer: text, number, yesno, date, expression, items, cells, code, json.",
            metavar="KIND",
            autocompletion=complete_kinds,
        ),
    ] = "text",
    choice: Annotated[
        list[str] | None, typer.Option(help="An option to choose from. Repeatable.", metavar="TEXT")
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(help="A passage that the question is about.", metavar="TEXT", rich_help_panel=TASK),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            help="A file with a table that the question is about: .csv, .tsv, .json, .jsonl or .parquet.",
            metavar="FILE",
            rich_help_panel=TASK,
        ),
    ] = None,
    image: Annotated[
        list[str] | None,
        typer.Option(
            help="A picture that the question is about: a PNG, JPEG, WebP or GIF file, or a URL that is passed on. "
            "Repeatable.",
            metavar="FILE",
            rich_help_panel=TASK,
        ),
    ] = None,
    prompt: PromptTexts = None,
    structured: Structured = False,
    effort: Annotated[
        str | None,
        typer.Option(
            help="How much the model thinks, such as low, medium or high.", metavar="EFFORT", rich_help_panel=MODEL
        ),
    ] = None,
    new_samples: NewSamples = False,
    trace: Annotated[bool, typer.Option("--trace", help="Print the prompts and replies as a tree.")] = False,
    *,
    output: OutputOptions,
    options: ModelOptions,
) -> None:
    """Answer one question."""
    from reasoning import registry
    from reasoning.answer import Unparsed
    from reasoning.call_counts import describe_defaults
    from reasoning.chain.structured import structure_all
    from reasoning.cli.progress import model_status
    from reasoning.problem import Problem
    from reasoning.prompt_overrides import override_prompts
    from reasoning.tables_sql.reading import read_table

    [solver] = override_prompts([registry.get(strategy)], prompt or [])
    rows = None if table is None else read_table(table)
    answers = _kind(kind, choice)
    problem = Problem(_question(question, file), answers, context=context, table=rows, images=image or ())
    solver.check_supports(problem.kind)
    if structured:
        [solver], free = structure_all([solver], [problem.kind])
        if free:
            info(free)
    if effort is not None:
        solver = registry.get("at").replace(base=solver, effort=effort)
    if note := describe_defaults(solver):
        info(note)
    # A budget of the problem, so that the samples that it covers have the vote.
    budget = options.budget.to_budget() if options.budget.is_limited else None
    with options.open_model(model) as llm, model_status(llm):
        answer = solver.run(problem, llm, epoch=llm.journal.unused_epoch() if new_samples else 0, budget=budget)
    if isinstance(answer, Unparsed) and answer.stopped_by is not None:
        raise answer.stopped_by
    if output.format == "table":
        _print(answer, trace)
    else:
        output.print(partial(_document, answer), partial(_to_json, answer))
    if answer.state != "answered":
        info(f"{answer.state}: {answer.reason}")
        raise typer.Exit(CALLS_FAILED if answer.state == "failed" else 1)


def _question(question: str | None, file: str | None) -> str:
    if (question is None) == (file is None):
        raise UsageError("give either a question or --file FILE (- is standard input)")
    if file is not None:
        try:
            question = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--file {file}: cannot be read: {error.strerror or error}") from None
        except UnicodeDecodeError as error:
            raise UsageError(f"--file {file}: cannot be read: it must be text in UTF-8 ({error.reason})") from None
    assert question is not None
    if not question.strip():
        raise UsageError("the question is empty")
    return question.strip()


def _kind(name: str, choices: list[str] | None) -> Kind:
    from reasoning import kinds

    if choices and name not in ("text", "choice", "label"):
        raise UsageError(f"--choice needs --kind choice or --kind label, got --kind {name}; leave one of them out")
    if name in ("choice", "label") and not choices:
        raise UsageError(f"--kind {name} needs the options, such as --choice red --choice blue")
    if choices and (len(set(choices)) < max(2, len(choices)) or not all(map(str.strip, choices))):
        raise UsageError(f"--choice must be given at least twice, with different options, got {', '.join(choices)!r}")
    if name == "label":
        return kinds.Label(tuple(choices or ()))
    return kinds.Choice(tuple(choices)) if choices else kinds.get(name)


def _to_json(answer: Answer) -> dict[str, Any]:
    return {
        "strategy": repr(answer.strategy),
        "state": answer.state,
        "value": answer.value,
        "why": answer.reason,
        "confidence": answer.confidence,
        "steps": dict(answer.steps),
        "text": answer.text,
        "calls": answer.usage.calls,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
        "reasoning_tokens": answer.usage.reasoning_tokens,
        "usd": answer.usage.usd,
        "seconds": round(answer.usage.seconds, 3),
    }


def _document(answer: Answer) -> Document:
    """Return one row with what `--json` has."""
    from reasoning.tables import Document, Table

    cells = {name: "" if value in (None, {}) else _format_value(value) for name, value in _to_json(answer).items()}
    return Document([Table(tuple(cells), [tuple(cells.values())], text_columns=len(cells))])


def _print(answer: Answer, trace: bool) -> None:
    from reasoning.chain import Chain
    from reasoning.display import answer_tree, cost

    out = console()
    if trace and answer.trace is not None:
        out.print(answer_tree(answer))
    steps = answer.steps if isinstance(answer.strategy, Chain) else {}
    for name, value in steps.items():
        out.print(name, style="bold")
        out.print(_format_value(value), soft_wrap=True)
    if not steps:
        text = _format_value(answer.value) if answer.state == "answered" else answer.text
        if answer.state == "answered" or text.strip():
            out.print(text, soft_wrap=True)
    confidence = f" · confidence {answer.confidence:.0%}" if answer.confidence is not None else ""
    caveat = f" · {answer.votes.note}" if answer.votes is not None and answer.votes.note else ""
    console(stderr=True).print(cost(answer.usage) + confidence + caveat, style="dim", soft_wrap=True)


def _format_value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
