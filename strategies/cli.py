"""`reasoning strategies`: the shelf, and one technique's card. `reasoning prompts`: its prompts, and as they go out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.padding import Padding

    from reasoning.messages import Conversation
    from reasoning.prompts import Prompt
    from reasoning.strategy import Strategy

Spec = Annotated[str, typer.Argument(help="A name or a spec, such as 'cot(shots=4)'.")]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help="Replace a prompt: 'cot.trigger=TEXT', '…=@FILE'; give it repeatedly.", metavar="NAME=TEXT"
    ),
]

prompts_app = typer.Typer(
    help="The prompts of the techniques: read them, and see them as they go out.", no_args_is_help=True
)
strategies_app = typer.Typer(
    help="The techniques: a table, and one technique's card in full.", invoke_without_command=True
)


def register(root: typer.Typer) -> None:
    """Add this package's commands."""
    root.add_typer(strategies_app, name="strategies")
    root.add_typer(prompts_app, name="prompts")


@strategies_app.callback()
def table(context: typer.Context) -> None:
    """List every technique."""
    if context.invoked_subcommand is not None:
        return
    from rich.console import Console
    from rich.table import Table

    from reasoning.registry import catalogue

    rows = Table(box=None, header_style="bold", pad_edge=False)
    rows.add_column("name", no_wrap=True)
    rows.add_column("technique")
    rows.add_column("calls")
    rows.add_column("what it does", ratio=1)
    for name, card in catalogue().items():
        title = card.title + (f" ({card.year})" if card.year else "")
        rows.add_row(name, title, card.calls, card.summary)
    out = Console(highlight=False)
    out.print(rows)
    out.print("\nOne in full: reasoning strategies show NAME", style="dim")


@strategies_app.command()
def show(spec: Spec, sets: Sets = None) -> None:
    """Print one technique's card, its parameters and its prompts as they go out, for a sample problem."""
    from rich.console import Console

    from reasoning.prompt_overrides import preview_prompts, prompts, sample_problem
    from reasoning.prompts import Prompt

    strategy = _replaced(spec, sets)
    card = strategy.card
    out = Console(highlight=False, markup=False)
    out.print(f"{card.title}: {card.name}", style="bold")
    where = f"arXiv {card.arxiv}" if card.arxiv else card.doi and f"doi {card.doi}"
    paper = ", ".join(str(part) for part in (card.authors, card.year, where) if part)
    facts = {
        "what": card.summary,
        "paper": paper,
        "aliases": ", ".join(card.aliases),
        "calls": f"{card.calls}" + (f"   ({card.counts})" if card.counts else ""),
        "waves": f"{card.rounds}   (calls that follow one another)" if card.rounds else "",
        "saves": getattr(strategy, "saving", ""),
        "kinds": ", ".join(kind.__name__ for kind in card.kinds) or "all",
        "needs": ", ".join(card.requires),
        "use when": card.use_when,
        "not when": card.avoid_when,
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
    spec: Annotated[str | None, typer.Argument(help="A name or a spec; by default every technique.")] = None,
) -> None:
    """List the prompts by name, with their placeholders: what --set and --vary can replace."""
    from rich.console import Console
    from rich.table import Table

    from reasoning.prompt_overrides import prompts
    from reasoning.prompts import Prompt
    from reasoning.registry import catalogue, get

    rows = Table(box=None, header_style="bold", pad_edge=False)
    found: list[tuple[str, str, str, str]] = []
    for technique in [spec] if spec else catalogue():
        for name, prompt in prompts(get(technique)).items():
            if not spec and not name.startswith(f"{technique}."):
                continue  # of the strategy within a wrapper, which has rows of its own
            if isinstance(prompt, Prompt):
                begin = next(iter(_sections(prompt).values()), "").partition("\n")[0]
                found.append((name, " ".join(sorted(prompt.placeholders)), f"{prompt.form}, {prompt.turns}", begin))
            else:
                found.append((name, "", "a phrase", prompt.partition("\n")[0]))
    for title in ("name", "placeholders", "form", "begins with"):
        rows.add_column(title, no_wrap=title != "placeholders", max_width=46, overflow="ellipsis")
    for row in found:
        rows.add_row(*row)
    Console(highlight=False, markup=False).print(rows)


@prompts_app.command("show")
def show_prompts(
    spec: Annotated[
        str, typer.Argument(help="A name or a spec, such as 'cot(shots=4)', or one prompt: cot.two_stages.")
    ],
    question: Annotated[str | None, typer.Option(help="Show them as sent for this question, not for a sample.")] = None,
    kind: Annotated[str, typer.Option(help="The kind of answer to --question.")] = "number",
    sets: Sets = None,
) -> None:
    """Print each prompt: its sections as they are written, and the turns as they will be sent for a problem."""
    from rich.console import Console

    from reasoning import kinds
    from reasoning.errors import UnknownName
    from reasoning.problem import Problem
    from reasoning.prompt_overrides import preview_prompts, prompts, sample_problem
    from reasoning.prompts import Prompt

    technique, _, one = spec.partition(".") if "(" not in spec else (spec, "", "")
    strategy = _replaced(technique, sets)
    problem = sample_problem(strategy) if question is None else Problem(question, kinds.get(kind))
    known, sent = prompts(strategy), preview_prompts(strategy, problem)
    wanted = f"{strategy.card.name}.{one}" if one else None
    if wanted and wanted not in known:
        raise UnknownName("prompt", spec, known)
    out = Console(highlight=False, markup=False)
    for name, prompt in known.items():
        if wanted not in (None, name):
            continue
        out.print(f"\n{name}", style="bold")
        if isinstance(prompt, Prompt):
            out.print(_pairs(_sections(prompt)))
            _print_sent(out, prompt, sent[name])
        else:
            out.print(f"    {prompt!r}")


def _replaced(spec: str, sets: list[str] | None) -> Strategy:
    from reasoning.prompt_overrides import override_prompts
    from reasoning.registry import get

    return override_prompts([get(spec)], sets or [])[0]


def _sections(prompt: Prompt) -> dict[str, str]:
    shown = {**prompt.sections, "Input": prompt.input, "Recap": prompt.recap}
    return {title: text for title, text in shown.items() if text}


def _print_sent(out: Console, prompt: Prompt, sent: Conversation) -> None:
    """The turns that a prompt becomes; what comes from earlier replies stands as a name in braces."""
    from reasoning.chain.token_estimate import tokens

    about = f"{prompt.form}, {prompt.turns}, about {sum(tokens(turn.content) for turn in sent.messages)} tokens"
    out.print(f"  as it is sent ({about})", style="dim")
    out.print(_pairs([(turn.role, turn.content) for turn in sent.messages]))


def _pairs(lines: Mapping[str, str] | Sequence[tuple[str, str]]) -> Padding:
    """Titles and texts in two columns; texts that are empty are left out."""
    from rich.padding import Padding
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    for title, text in lines.items() if isinstance(lines, Mapping) else lines:
        if text:
            grid.add_row(title, text)
    return Padding(grid, (0, 0, 0, 2))
