"""What the commands of chains share: their options, and the model that one names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reasoning.cli.options import paced
from reasoning.cli.output import info

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM

Folder = Annotated[str, typer.Argument(metavar="CHAIN", help="A chain's folder, or the name of a shipped one.")]
Code = Annotated[
    bool, typer.Option("--allow-code", help="Let functions run that the chain names. Look at a stranger's first.")
]
Url = Annotated[str | None, typer.Option(help="An OpenAI-compatible server.")]
Concurrency = Annotated[int, typer.Option(help="Requests in flight, at most.", min=1)]
Spend = Annotated[str | None, typer.Option(help="What may be spent, such as 'usd=1, calls=500'.")]
Longest = Annotated[int | None, typer.Option(help="Of one reply.", min=1)]
Record = Annotated[str | None, typer.Option(help="The file that records draws; none for no journal.")]


@contextmanager
def connected(
    model: str,
    base_url: str | None,
    journal: str | None,
    budget: str | None,
    concurrency: int,
    max_tokens: int | None,
    pace: str | None,
    sandbox: str | None,
) -> Iterator[LLM]:
    """The model that a command names. Ctrl-C ends the command, and what is recorded stays."""
    import reasoning
    from reasoning.cli.app import INTERRUPTED

    sampling: dict[str, Any] = {} if max_tokens is None else {"max_tokens": max_tokens}
    llm = reasoning.connect(
        model,
        base_url=base_url,
        journal=False if journal == "none" else journal,
        budget=None if budget is None else reasoning.Budget.parse(budget),
        concurrency=concurrency,
        sandbox=sandbox,
        **paced(pace),
        **sampling,
    )
    with llm:
        try:
            yield llm
        except KeyboardInterrupt:
            info("\nstopped; the same command goes on from the draws that are recorded")
            raise typer.Exit(INTERRUPTED) from None
