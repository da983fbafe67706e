"""The command `reasoning serve`."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reasoning.cli import interrupts
from reasoning.cli.options import AllowCode, Model, ModelOptions
from reasoning.cli.output import echo, info
from reasoning.errors import UsageError

if TYPE_CHECKING:
    from reasoning.engine.budget import Budget
    from reasoning.serving.server import Server

ACCESS = "Keys and limits of clients"
Aliases = Annotated[
    list[str] | None,
    typer.Option(
        "--strategy",
        "-s",
        help='A name for clients and what answers under it: vote="self_consistency(cot, samples=5)", or '
        "feedback=chain:FOLDER. Repeatable.",
        metavar="ALIAS=SPEC",
    ),
]
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        help="The kind of answers, such as number, of all strategies or of one (ALIAS=KIND); a request may name "
        "another. Repeatable.",
        metavar="KIND",
        show_default="text",
    ),
]
ProblemBudget = Annotated[
    str | None,
    typer.Option(
        help="What one request may spend, such as calls=20 or usd=0.05.", metavar="LIMITS", rich_help_panel=ACCESS
    ),
]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Draw anew for each request, instead of repeating recorded answers.")
]


def serve(
    strategy: Aliases = None,
    model: Model = "local",
    kind: Kinds = None,
    host: Annotated[
        str, typer.Option(help="The address to listen on; another than this machine needs --key-file.", metavar="HOST")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes any.", min=0, max=65535, metavar="N")] = 8321,
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="The keys of clients: a TOML file with a table [keys.NAME] for each.",
            metavar="FILE",
            rich_help_panel=ACCESS,
        ),
    ] = None,
    no_key: Annotated[
        bool,
        typer.Option(
            "--no-key",
            help="Serve other machines without keys: everybody who reaches the port can spend.",
            rich_help_panel=ACCESS,
        ),
    ] = False,
    problem_budget: ProblemBudget = None,
    day_budget: Annotated[
        str | None,
        typer.Option(
            help="What all clients may spend in a day (UTC), such as usd=10. Kept over restarts.",
            metavar="LIMITS",
            rich_help_panel=ACCESS,
        ),
    ] = None,
    spending: Annotated[
        Path | None,
        typer.Option(
            help="The folder that keeps what keys and days have spent.",
            metavar="FOLDER",
            show_default="the folder serving next to the user's journal",
            rich_help_panel=ACCESS,
        ),
    ] = None,
    max_concurrent: Annotated[
        int,
        typer.Option(
            help="The most requests that are answered at a time; more are refused.",
            min=1,
            metavar="N",
            rich_help_panel=ACCESS,
        ),
    ] = 256,
    fresh: Fresh = False,
    grace: Annotated[
        float,
        typer.Option(help="Seconds that requests may take to end when the server stops.", min=0, metavar="SECONDS"),
    ] = 30.0,
    log_prompts: Annotated[
        bool, typer.Option("--log-prompts", help="Print questions and answers with the requests.")
    ] = False,
    allow_code: AllowCode = False,
    *,
    options: ModelOptions,
) -> None:
    """Serve strategies and chains to every client of the OpenAI protocol.

    An application changes its base URL, and asks for an alias as the model. Ctrl-C ends the server: requests that are
    being answered may end first.
    """
    from reasoning.event_loop import run_sync
    from reasoning.paths import data_dir
    from reasoning.serving.access import Access, read_keys
    from reasoning.serving.aliases import read_aliases
    from reasoning.serving.request_log import RequestLog
    from reasoning.serving.server import LOCAL_HOSTS, Server

    if host not in LOCAL_HOSTS and key_file is None and not no_key:
        raise UsageError(
            f"--host {host} serves other machines: give --key-file FILE, or --no-key if everybody who reaches the "
            "port may spend"
        )
    aliases = read_aliases(strategy or [], kind or [], allow_code=allow_code)
    keys = [] if key_file is None else read_keys(key_file.expanduser())
    if key_file is not None and os.name == "posix" and key_file.expanduser().stat().st_mode & 0o077:
        info(f"warning: other users of this machine can read {key_file}; prevent it with: chmod 600 {key_file}")
    with options.open_model(model) as llm:
        # An unknown model is an error now, and not the reply to every request.
        for variable, is_set in llm.client.key_variables():
            if not is_set and llm.client.endpoint is None:
                info(f"warning: {variable} is not set, which {llm.name} may need")
        access = Access(llm, keys, _budget(day_budget), (spending or data_dir() / "serving").expanduser())
        log = RequestLog(partial(info, is_masked=True))
        server = Server(
            *(llm, aliases, access, _budget(problem_budget), fresh, max_concurrent, log.add, log_prompts),
            local_only=not keys and host in LOCAL_HOSTS,
        )
        try:
            run_sync(_serve(server, host, port, grace))
        finally:
            log.flush()
            access.close()


def _budget(text: str | None) -> Budget | None:
    from reasoning.engine.budget import Budget

    return None if text is None else Budget.parse(text)


async def _serve(server: Server, host: str, port: int, grace: float) -> None:
    """Listen until a signal arrives, then answer the requests that have begun."""
    import asyncio

    from reasoning.serving.app import build_app
    from reasoning.serving.listening import listen

    # A journal that cannot be written is an error now, and not the reply to every request.
    await server.llm.journal.prepare()
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def begin_stop() -> None:
        server.stopping = True
        stop.set()

    interrupts.call_instead(lambda: loop.call_soon_threadsafe(begin_stop))
    async with AsyncExitStack() as stack:
        try:
            bound = await stack.enter_async_context(listen(build_app(server), host, port, grace))
        except OSError as error:
            raise UsageError(f"--host {host} --port {port}: cannot be used: {error.strerror}") from None
        where = f"[{host}]" if ":" in host else host
        echo(f"http://{where}:{bound}/v1")
        for alias in server.aliases.values():
            info(f"  {alias.name}: {alias.spec}, {alias.kind.name}")
        info(f"with {server.llm.name}; Ctrl-C ends it. Try them in the browser: http://{where}:{bound}/")
        await stop.wait()
        if left := server.metrics.in_flight:
            requests = "1 request" if left == 1 else f"{left} requests"
            info(f"stopping: {requests} may take up to {grace:g} s to end; Ctrl-C again ends at once")


def mcp(
    strategy: Aliases = None,
    model: Model = "local",
    kind: Kinds = None,
    problem_budget: ProblemBudget = None,
    fresh: Fresh = False,
    allow_code: AllowCode = False,
    *,
    options: ModelOptions,
) -> None:
    """Offer strategies and chains as tools to agents, over the Model Context Protocol.

    The agent's program starts this command and talks to it on standard input and output; it ends when the input ends.
    """
    from reasoning.event_loop import run_sync
    from reasoning.serving.aliases import read_aliases
    from reasoning.serving.mcp import ToolServer

    aliases = read_aliases(strategy or [], kind or [], allow_code=allow_code)
    with options.open_model(model) as llm:
        interrupts.leave_quietly()
        run_sync(ToolServer(llm, aliases, _budget(problem_budget), fresh).serve())


def register(root: typer.Typer) -> None:
    """Add the commands of this package."""
    root.command()(serve)
    root.command()(mcp)
