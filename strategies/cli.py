"""Commands `reasoning strategies` (the techniques and their cards) and `reasoning prompts` (their prompts)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reasoning.cli import config
from reasoning.cli.commands import Commands, Group
from reasoning.cli.completion import complete_kinds, complete_spec_or_prompt, complete_specs
from reasoning.cli.options import PromptTexts
from reasoning.cli.output import AsJson, Output, OutputOptions, console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.padding import Padding

    from reasoning.messages import Conversation
    from reasoning.prompts import Prompt
    from reasoning.strategy import Strategy

Spec = Annotated[
    str,
    typer.Argument(
        help="A technique's name or spec, such as 'cot(shots=4)'.",
        metavar="SPEC",
        callback=config.resolve_strategies,
        autocompletion=complete_specs,
    ),
]


class _Shown(Group):
    """A group whose command `show` is named where a technique stands in its place."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the arguments name."""
        from reasoning.errors import UsageError
        from reasoning.registry import places

        if args and args[0] not in self.commands and args[0] in places():
            raise UsageError(f"{args[0]!r} is a technique and no command; write: {ctx.command_path} show {args[0]}")
        return super().resolve_command(ctx, args)


prompts_app = Commands(cls=_Shown, help="Show the prompts of techniques, as written and as sent.", no_args_is_help=True)

strategies_app = Commands(
    cls=_Shown, help="List techniques, or show one technique's card.", invoke_without_command=True
)


def register(root: typer.Typer) -> None:
    """Add the commands of this package."""
    root.add_typer(strategies_app, name="strategies")
    root.add_typer(prompts_app, name="prompts")


@strategies_app.callback()
def table(context: typer.Context, output: Output = "table", as_json: AsJson = False) -> None:
    """List all techniques."""
    if context.invoked_subcommand is not None:
        return
    from reasoning.call_counts import describe_calls
    from reasoning.registry import catalogue, get
    from reasoning.tables import Document, Table

    header = ("name", "technique", "calls a problem", "summary")
    rows = [
        (name, card.title + (f" ({card.year})" if card.year else ""), describe_calls(get(name)), card.summary)
        for name, card in catalogue().items()
    ]
    listed = Table(header, rows, text_columns=len(header), priority=("calls a problem", "summary"))
    printed = OutputOptions(output, as_json)
    printed.print(Document([listed]))
    if printed.format == "table":
        console().print("\nFor one technique in full: reasoning strategies show NAME", style="dim")


@strategies_app.command()
def show(spec: Spec, overrides: PromptTexts = None) -> None:
    """Show one technique's card, its parameters, and its prompts as sent for a sample problem."""
    from reasoning.call_counts import describe_calls
    from reasoning.prompt_overrides import preview_prompts, prompts
    from reasoning.prompts import Prompt
    from reasoning.strategies.direct.prompt_format import sample_problem

    strategy = _with_overrides(spec, overrides)
    card = strategy.card
    out = console()
    out.print(f"{card.title}: {card.name}", style="bold")
    where = f"arXiv {card.arxiv}" if card.arxiv else card.doi and f"doi {card.doi}"
    paper = ", ".join(str(part) for part in (card.authors, card.year, where) if part)
    facts = {
        "summary": card.summary,
        "paper": paper,
        "aliases": ", ".join(card.aliases),
        "calls": f"{describe_calls(strategy)}   (for one problem)",
        "as a formula": "" if card.calls.isdigit() else card.calls + (f"   ({card.counts})" if card.counts else ""),
        "rounds": f"{card.rounds}   (sequential calls)" if card.rounds else "",
        "tokens saved": getattr(strategy, "saving", ""),
        "kinds": card.kinds_text,
        "requires": ", ".join(card.requires),
        "use when": card.use_when,
        "avoid when": card.avoid_when,
    }
    out.print(_pairs(facts))
    for field in dataclasses.fields(strategy) if card.year or card.authors else ():  # type: ignore[arg-type]
        if field.init and not isinstance(value := getattr(strategy, field.name), Prompt):
            out.print(f"  {field.name} = {value!r}")
    sent = preview_prompts(strategy, sample_problem(strategy))
    for name, prompt in prompts(strategy).items():
        if isinstance(prompt, Prompt):
            out.print(f"\nprompt {name}", style="bold")
            _print_sent(out, prompt, sent[name])


@prompts_app.command("list")
def list_(
    spec: Annotated[
        str | None,
        typer.Argument(
            help="A technique's name or spec; every technique by default.",
            metavar="SPEC",
            callback=config.resolve_strategies,
            autocompletion=complete_specs,
        ),
    ] = None,
    *,
    output: OutputOptions,
) -> None:
    """List prompts by name with their placeholders; --prompt and --prompt-variant can replace them."""
    from reasoning.prompt_overrides import prompts
    from reasoning.prompts import Prompt
    from reasoning.registry import catalogue, get
    from reasoning.tables import Document, Table

    prompt_rows: list[tuple[str, str, str, str]] = []
    for technique in [spec] if spec else catalogue():
        for name, prompt in prompts(get(technique)).items():
            if not spec and not name.startswith(f"{technique}."):
                # A prompt of a nested strategy, which has its own rows.
                continue
            if isinstance(prompt, Prompt):
                begin = next(iter(_sections(prompt).values()), "").partition("\n")[0]
                prompt_rows.append(
                    (name, " ".join(sorted(prompt.placeholders)), f"{prompt.form}, {prompt.turns}", begin)
                )
            else:
                prompt_rows.append((name, "", "phrase", prompt.partition("\n")[0]))
    header = ("name", "placeholders", "form", "begins with")
    output.print(Document([Table(header, prompt_rows, text_columns=len(header), max_widths={3: 46})]))


@prompts_app.command("show")
def show_prompts(
    spec: Annotated[
        str,
        typer.Argument(
            help="A technique's name or spec, such as 'cot(shots=4)', or one prompt, such as cot.two_stages.",
            metavar="SPEC",
            autocompletion=complete_spec_or_prompt,
        ),
    ],
    question: Annotated[
        str | None, typer.Option(help="Question to show the prompts for; a sample problem by default.", metavar="TEXT")
    ] = None,
    kind: Annotated[
        str, typer.Option(help="Kind of answer to --question.", metavar="KIND", autocompletion=complete_kinds)
    ] = "number",
    overrides: PromptTexts = None,
) -> None:
    """Show prompts: their sections as written, and their turns as sent for a problem."""
    from reasoning import kinds
    from reasoning.errors import UnknownName, UsageError
    from reasoning.problem import Problem
    from reasoning.prompt_overrides import preview_prompts, prompts
    from reasoning.prompts import Prompt
    from reasoning.strategies.direct.prompt_format import sample_problem

    technique, _, prompt_name = spec.partition(".") if "(" not in spec else (spec, "", "")
    strategy = _with_overrides(technique, overrides)
    if question is not None and not question.strip():
        raise UsageError("the question is empty")
    wanted_kind = kinds.get(kind)
    problem = sample_problem(strategy) if question is None else Problem(question, wanted_kind)
    known, sent = prompts(strategy), preview_prompts(strategy, problem)
    wanted = f"{strategy.card.name}.{prompt_name}" if prompt_name else None
    if wanted and wanted not in known:
        raise UnknownName("prompt", spec, known)
    out = console()
    for name, prompt in known.items():
        if wanted not in (None, name):
            continue
        out.print(f"\n{name}", style="bold")
        if isinstance(prompt, Prompt):
            out.print(_pairs(_sections(prompt)))
            _print_sent(out, prompt, sent[name])
        else:
            out.print(f"    {prompt!r}")


def _with_overrides(spec: str, overrides: list[str] | None) -> Strategy:
    from reasoning.prompt_overrides import override_prompts
    from reasoning.registry import get

    return override_prompts([get(spec)], overrides or [])[0]


def _sections(prompt: Prompt) -> dict[str, str]:
    sections = {**prompt.sections, "Input": prompt.input, "Recap": prompt.recap}
    return {title: text for title, text in sections.items() if text}


def _print_sent(out: Console, prompt: Prompt, sent: Conversation) -> None:
    """Print the turns of a prompt; values from earlier replies stand as names in braces."""
    from reasoning.token_estimate import estimate_tokens

    about = (
        f"{prompt.form}, {prompt.turns}, about {sum(estimate_tokens(turn.content) for turn in sent.messages)} tokens"
    )
    out.print(f"  as sent ({about})", style="dim")
    out.print(_pairs([(turn.role, turn.content) for turn in sent.messages]))


def _pairs(lines: Mapping[str, str] | Sequence[tuple[str, str]]) -> Padding:
    """Lay out titles and texts in two columns, without empty texts."""
    from rich.padding import Padding
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    for title, text in lines.items() if isinstance(lines, Mapping) else lines:
        if text:
            grid.add_row(title, text)
    return Padding(grid, (0, 0, 0, 2))
