"""The command `reasoning batch`: list the batches of a journal, fetch their replies, cancel them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reasoning import paths
from reasoning.cli.commands import Commands
from reasoning.cli.output import CALLS_FAILED, OutputOptions, echo, info, print_json
from reasoning.cli.progress import spinner
from reasoning.errors import CallFailed, UsageError
from reasoning.tables import Document, Table
from reasoning.text_safety import to_line

if TYPE_CHECKING:
    from reasoning.providers.batch.store import BatchStore
    from reasoning.providers.batch.stored import StoredBatch

batch = Commands(help="List, collect or cancel the batches of a journal.", no_args_is_help=True)

_Journal = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="The journal's file; by default the user's.")
]


@batch.command("list")
def list_(file: _Journal = None, *, output: OutputOptions) -> None:
    """Show the batches that were submitted, without asking the provider."""
    store = _store(file)
    batches = [] if store is None else store.batches()
    if output.format == "json":
        print_json({"batches": [_plain(store, one) for one in batches] if store else []})
        return
    if store is None or not batches:
        echo(to_line("no batches are recorded" + (f" next to {file}" if file else "")))
        return
    rows = []
    for one in batches:
        counts = store.counts(one.id)
        waiting = counts.get("done", 0)
        note = f"{waiting:,} replies to use" if waiting else ""
        rows.append((str(one.id), one.remote or "?", one.model, one.state, f"{one.lines:,}", _when(one.created), note))
    header = ("id", "provider's id", "model", "state", "lines", "submitted", "")
    output.print(Document([Table(header, rows, text_columns=4)]), soft_wrap=True)


@batch.command()
def collect(file: _Journal = None) -> None:
    """Fetch the replies of the batches that have ended; the command that asked for them then uses them.

    Exit codes: 0 done, 4 a provider could not be asked.
    """
    from reasoning.providers.batch.stored import forget_command

    store = _store(file)
    pending = [] if store is None else store.batches("sent", "intended")
    if store is None or not pending:
        echo(to_line("no batches are under way" + (f" next to {file}" if file else "")))
        return
    has_failed = False
    for model, endpoint, api in dict.fromkeys((one.model, one.endpoint, one.api) for one in pending):
        try:
            with spinner(f"asking for the batches of {model}"):
                looked = _with_client(store, model, endpoint, api, lambda client: client.collect())
        except (CallFailed, UsageError) as error:
            has_failed = True
            info(to_line(f"{model}: {error}"))
            continue
        for one, status in looked:
            if isinstance(status, CallFailed):
                has_failed = True
                info(to_line(f"{one.remote}: {status}; {forget_command(one)} gives up a batch that is lost"))
                continue
            state = status.refusal or ("ended" if status.ended else f"{status.done:,} of {one.lines:,} lines are done")
            echo(to_line(f"{one.remote}: {state}"))
        if not looked:
            echo(to_line(f"{model}: the provider has no batch of the interrupted submission"))
    if has_failed:
        raise typer.Exit(CALLS_FAILED)


@batch.command()
def cancel(
    number: Annotated[int, typer.Argument(metavar="ID", help="The number of the batch, as `batch list` shows it.")],
    file: _Journal = None,
    forget: Annotated[
        bool,
        typer.Option("--forget", help="Forget a batch that the provider has lost; its lines are sent again."),
    ] = False,
) -> None:
    """Cancel a batch at the provider. Lines that are processed already are paid for; `batch collect` fetches them."""
    store = _store(file)
    known = {one.id: one for one in store.batches()} if store is not None else {}
    if store is None or (one := known.get(number)) is None:
        raise UsageError(f"there is no batch {number}: see reasoning batch list")
    if forget and one.state in ("sent", "intended"):
        _forget(store, number)
        echo(f"{one.remote or number}: forgotten; the same command sends its lines again")
        return
    if one.state != "sent":
        hint = "; `reasoning batch collect` asks whether it was submitted" if one.state == "intended" else ""
        raise UsageError(f"the batch {number} must be under way to be cancelled, it is {one.state}{hint}")
    _with_client(store, one.model, one.endpoint, one.api, lambda client: client.api.cancel(one.remote))
    echo(f"{one.remote}: asked the provider to cancel it; `reasoning batch collect` fetches what was processed")


def _store(file: Path | None) -> BatchStore | None:
    """Return the batches of a journal; None if it has none."""
    from reasoning.providers.batch.store import BatchStore, store_path

    journal = paths.data_dir() / "journal.sqlite" if file is None else file.expanduser()
    return BatchStore.next_to(journal) if store_path(journal).is_file() else None


def _forget(store: BatchStore, number: int) -> None:
    """Give up a batch, once no other process is submitting it."""
    from reasoning import event_loop

    async def forget() -> None:
        async with store.submitting():
            store.end(number, "cancelled", "forgotten")

    with spinner("waiting until no other command submits a batch"):
        event_loop.run_sync(forget())


def _with_client(store: BatchStore, model: str, endpoint: str, api: str, work: Any) -> Any:
    """Return the result of work with the batch client of a model."""
    from reasoning import event_loop
    from reasoning.engine.service_tiers import batch_api
    from reasoning.providers.batch.client import BatchClient
    from reasoning.providers.batch.store import BatchStore
    from reasoning.providers.client import Client

    if "…" in endpoint or "*" in endpoint:
        raise UsageError(f"the address {endpoint} has a key, which is not recorded; run the same command instead")
    single: Client
    if api == "openai":
        from reasoning.providers.openai_client import openai_client

        single = openai_client(model, endpoint or None, tier="batches")
    else:
        from reasoning.providers.litellm_client import LiteLLMClient

        single = LiteLLMClient(model, tier="batches")
    client = BatchClient(batch_api(single), BatchStore(store.path))

    async def run() -> Any:
        try:
            return await work(client)
        finally:
            await client.close()

    return event_loop.run_sync(run())


def _plain(store: BatchStore, one: StoredBatch) -> dict[str, Any]:
    counts = store.counts(one.id)
    return {
        "id": one.id,
        "provider_id": one.remote or None,
        "api": one.api,
        "model": one.model,
        "endpoint": one.endpoint or None,
        "state": one.state,
        "lines": one.lines,
        "submitted": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.created)),
        "unused_replies": counts.get("done", 0),
    }


def _when(created: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(created))
