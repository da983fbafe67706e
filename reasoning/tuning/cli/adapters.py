"""`reasoning tune list`, `show`, `merge` and `remove`: the user's adapters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reasoning.cli.completion import complete_adapters
from reasoning.cli.output import OutputOptions, console, echo, info
from reasoning.cli.progress import progress_bar

if TYPE_CHECKING:
    from reasoning.providers.adapters import Adapter
    from reasoning.providers.llama_cpp.base_weights import Base

_NAME = typer.Argument(
    metavar="ADAPTER",
    help="An adapter, as in smollm2-135m+cat; its name alone if only one base has it.",
    show_default=False,
    autocompletion=complete_adapters,
)
_SHOWN_DATE = 10
"""The characters of a date without its time."""


def list_adapters(*, output: OutputOptions) -> None:
    """Show your adapters: base, method, training examples, scores, size, what serves them."""
    from reasoning.providers import adapters
    from reasoning.tables import Document, Table

    header = ("name", "base", "method", "examples", "held-out score", "size", "served by", "date")
    found = adapters.all_adapters()
    table = Table(
        header,
        [_row(adapter) for adapter in found],
        name="adapters",
        text_columns=len(header),
        priority=("base", "method", "held-out score", "served by"),
    )
    output.print(Document([table]), lambda: {"adapters": [_to_json(adapter) for adapter in found]})
    for path, reason in adapters.damaged_folders():
        info(f"left out, since it is damaged: {path}: {reason}")
    if output.format == "table":
        note = f"Use one with --model {found[0].model}." if found else "`reasoning tune train` makes one."
        console().print(f"They are kept in {adapters.folder()}. {note}", soft_wrap=True)


def show_adapter(name: Annotated[str, _NAME], *, output: OutputOptions) -> None:
    """Show all that is known of an adapter, and check its files."""
    from reasoning.tables import Document, Table

    adapter = _find(name)
    adapter.verify()
    rows = [
        ("model", adapter.model),
        ("method", adapter.method),
        ("served by", adapter.served_by),
        ("base", f"{adapter.base}, SHA-256 {adapter.base_sha256}"),
        ("SHA-256", adapter.sha256),
        *_list("examples", adapter.examples),
        *_list("scores", adapter.scores),
        *_list("settings", adapter.settings),
        *_list("versions", adapter.versions),
        ("created", adapter.created),
        ("size", f"{adapter.bytes / 1e6:,.1f} MB"),
        ("folder", str(adapter.folder)),
    ]
    output.print(Document([Table(("subject", "value"), rows, text_columns=2)]), lambda: _to_json(adapter))


def remove_adapter(name: Annotated[str, _NAME]) -> None:
    """Remove an adapter from this machine, with all its files."""
    from reasoning.providers import adapters

    adapter = _find(name)
    adapters.remove(adapter)
    echo(f"removed {adapter.folder}")


def merge_adapters(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="ADAPTER[=WEIGHT]...",
            help="Adapters of one base, as in smollm2-135m+cat; local:FILE.gguf+cat for those of a file.",
            show_default=False,
            autocompletion=complete_adapters,
        ),
    ],
    to: Annotated[str, typer.Option(help="How the changed weights are stored: f16 or q8_0.", metavar="TYPE")] = "q8_0",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="The new GGUF file.", metavar="FILE", show_default="in the folder of the adapter"
        ),
    ] = None,
) -> None:
    """Merge adapters into their base, as a GGUF file that llama.cpp serves at the speed of the base.

    A merged model is not switched by request, and takes the space of a whole model. Several adapters
    are added up, each times its weight, which is 1 by default.
    """
    from reasoning.errors import UsageError
    from reasoning.providers.llama_cpp.base_weights import hash_file
    from reasoning.tuning.conversion.merge import check_precision, merge

    precision = check_precision(to)
    chosen = [_find_weighted(text) for text in names]
    adapters, base = [adapter for adapter, _, _ in chosen], chosen[0][1]
    if others := {adapter.base for adapter in adapters} - {base.name}:
        raise UsageError(f"the adapters must have one base, got {', '.join(sorted({base.name, *others}))}")
    for adapter in adapters:
        if adapter.served_by == "torch":
            raise UsageError(
                f"the adapter {adapter.name!r} cannot be merged: {adapter.method} changes no weights of the base; "
                f"use it with --model {adapter.model}"
            )
    if len(chosen) > 1 and out is None:
        raise UsageError("several adapters must be merged into a file of your choice: give --out FILE.gguf")
    if len({adapter.name for adapter in adapters}) < len(adapters):
        raise UsageError("each adapter must be given once: give it a weight, as in cat=2")
    target = (out or adapters[0].folder / f"merged-{precision}.gguf").expanduser()
    if target.suffix.lower() != ".gguf":
        raise UsageError(f"--out must end in .gguf, got {str(target)!r}")
    with progress_bar(f"merging into {precision}", 1, is_bytes=False) as bar:
        path = base.find(lambda done, total, text: bar(done, total, text))
        if target.exists() and target.samefile(path):
            raise UsageError(f"--out must be another file than the base, got {str(target)!r}")
        digest = base.sha256 or hash_file(path)
        for adapter in adapters:
            adapter.check_base(digest)
            adapter.verify()
        merge(
            path,
            [(adapter.peft, weight) for adapter, _, weight in chosen],
            target,
            precision,
            progress=lambda done, total: bar(done, total, f"merging into {precision}"),
        )
    echo(str(target))
    info(f"use it with --model local:{target}")


def _find(name: str) -> Adapter:
    """Return the adapter of `BASE+NAME`, `local:BASE+NAME` or `NAME`.

    Raises:
        UnknownName: no base has such an adapter.
        UsageError: several bases have one of this name.
    """
    from reasoning.errors import UnknownName, UsageError
    from reasoning.providers import adapters
    from reasoning.providers.llama_cpp.base_weights import find_base

    scheme, colon, _ = name.partition(":")
    if colon and scheme in ("local", "torch"):
        model, found = adapters.split_model(name)
        if len(found) != 1:
            raise UsageError(f"give one adapter, as in {scheme}:smollm2-135m+cat, got {name!r}")
        return adapters.find(find_base(model).name, found[0])
    base, plus, short = name.rpartition("+")
    if plus:
        return adapters.find(base, short)
    bases = [base for base, other in adapters.names() if other == name]
    if not bases:
        known = [f"{base}+{other}" for base, other in adapters.names()]
        raise UnknownName("adapter", name, known, "" if known else "(`reasoning tune train` makes one)")
    if len(bases) > 1:
        raise UsageError(f"several bases have an adapter {name!r}: write {' or '.join(f'{b}+{name}' for b in bases)}")
    return adapters.find(bases[0], name)


def _find_weighted(text: str) -> tuple[Adapter, Base, float]:
    """Return the adapter, base and weight of `ADAPTER[=WEIGHT]`."""
    from reasoning.errors import UsageError
    from reasoning.providers.adapters import split_model
    from reasoning.providers.llama_cpp import weights
    from reasoning.providers.llama_cpp.base_weights import find_base

    name, equals, number = text.rpartition("=")
    try:
        weight = float(number) if equals else 1.0
    except ValueError:
        weight = float("nan")
    if not -10 <= weight <= 10:
        raise UsageError(f"the weight of an adapter must be a number from -10 to 10, as in cat=0.5, got {text!r}")
    name = name if equals else text
    adapter = _find(name)
    if name.startswith(("local:", "torch:")):
        return adapter, find_base(split_model(name)[0]), weight
    if adapter.base not in [entry.name for entry in weights.CATALOGUE]:
        file = adapter.base.partition("@")[0]
        raise UsageError(
            f"the base of the adapter {adapter.name!r} is your own file: write local:PATH/{file}+{adapter.name}"
        )
    return adapter, find_base(f"local:{adapter.base}"), weight


def _row(adapter: Adapter) -> tuple[str, ...]:
    return (
        adapter.name,
        adapter.base,
        adapter.method,
        str(adapter.examples.get("number", "")),
        _score(adapter),
        f"{adapter.bytes / 1e6:,.1f} MB",
        adapter.served_by,
        adapter.created[:_SHOWN_DATE],
    )


def _score(adapter: Adapter) -> str:
    """Return how many held-out examples had an exact reply, as "29/40 exact, before 0"; without them the loss."""
    exact, count, loss = (adapter.scores.get(name) for name in ("exact", "held_out", "loss"))
    if isinstance(exact, int) and isinstance(count, int):
        before = adapter.settings.get("exact_before")
        return f"{exact}/{count} exact" + (f", before {before}" if isinstance(before, int) else "")
    return f"loss {loss:.3g}" if isinstance(loss, int | float) else ""


def _list(title: str, values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(f"{title}: {name}", _format(value)) for name, value in values.items()]


def _format(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _to_json(adapter: Adapter) -> dict[str, Any]:
    return {
        "name": adapter.name,
        "model": adapter.model,
        "base": {"model": adapter.base, "sha256": adapter.base_sha256},
        "method": adapter.method,
        "served_by": adapter.served_by,
        "sha256": adapter.sha256,
        "examples": dict(adapter.examples),
        "scores": dict(adapter.scores),
        "settings": dict(adapter.settings),
        "versions": dict(adapter.versions),
        "files": dict(adapter.files),
        "created": adapter.created,
        "bytes": adapter.bytes,
        "folder": str(adapter.folder),
    }
