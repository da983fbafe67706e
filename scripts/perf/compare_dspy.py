"""Compare our search for prompts with DSPy's optimizers: same local model, pools, metric and tokens.

    export PYTHONPATH=scripts:.
    .venv/bin/python -m perf.compare_dspy --env FOLDER --task last_letters --seeds 2 --trials 4

DSPy searches first, in a virtual environment of its own (`--env`, created at the first run). The tokens of its search
are then the budget of ours, and half of them that of a second search (`--shares`). MIPROv2 is compared with
`bayesian`, GEPA with `reflection`; `bootstrap` gets the budget of MIPROv2, too. The programs differ before the search
(DSPy writes its own prompt), so both baselines are shown. The server of this process serves one model to both sides and
counts tokens; the metric is the scorer of the task. The differences of all seeds have intervals over the seeds, since
each seed draws other pools and is another search. With `--out FILE` each search is kept when it ends, and those in the
file are not repeated.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import tempfile
import threading
import venv
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from aiohttp import web
from perf.dspy_results import PAIRS, Searches, cells, compared, name_search, right_answers, to_markdown
from serve_clients.table import put_into

from reasoning import connect, event_loop, registry
from reasoning.benchmarks.tasks import get
from reasoning.engine.budget import Budget
from reasoning.engine.failure_guard import FailureGuard
from reasoning.engine.llm import LLM
from reasoning.errors import BudgetExhausted
from reasoning.journal import Journal
from reasoning.messages import Conversation, Message
from reasoning.problem import Example
from reasoning.tuning.prompts.evaluation import Evaluation, evaluate_all
from reasoning.tuning.prompts.optimizer import METHODS
from reasoning.tuning.prompts.parts import Tunable
from reasoning.tuning.prompts.pools import Pools, PoolSizes, pools_of_task
from reasoning.tuning.prompts.search import Search
from reasoning.tuning.prompts.search_log import SearchLog

REQUIRES = "dspy>=3.4,<3.5", "optuna"
USED = {"cot": {"cot.two_stages"}, "vanilla": {"vanilla.prompt"}}
PROGRAMS = {"cot": "ChainOfThought", "vanilla": "Predict"}
"""The module of DSPy that corresponds to a strategy."""


class SearchFailed(RuntimeError):
    """A search of DSPy that ended with an error; the message has its last output."""


class ModelServer:
    """An OpenAI-compatible server of one model on loopback, with the metric of a task.

    Attributes:
        tokens: the prompt and completion tokens so far.
        url: the address.
    """

    def __init__(self, llm: LLM, examples: Mapping[str, Example]) -> None:
        self._llm, self._examples, self.tokens, self.url = llm, examples, 0, ""
        self._drawn: Counter[str] = Counter()

    async def _chat(self, request: web.Request) -> web.Response:
        data = await request.json()
        turns = tuple(Message(turn["role"], str(turn["content"])) for turn in data["messages"])
        sampling = {name: data[name] for name in ("temperature", "max_tokens") if data.get(name) is not None}
        asked = self._llm.request(Conversation(turns), sampling)
        many = int(data.get("n") or 1)
        draws = [self._drawn[asked.key] + index for index in range(many)]
        self._drawn[asked.key] += many
        replies = await event_loop.run_async(self._llm.draw(asked, draws))
        prompt = sum(reply.usage.prompt_tokens for reply in replies)
        completion = sum(reply.usage.completion_tokens for reply in replies)
        self.tokens += prompt + completion
        choices = [
            {
                "index": index,
                "finish_reason": reply.finish_reason,
                "message": {"role": "assistant", "content": reply.text},
            }
            for index, reply in enumerate(replies)
        ]
        usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        return web.json_response(
            {"id": "0", "object": "chat.completion", "created": 0, "model": "local", "choices": choices, "usage": usage}
        )

    async def _score(self, request: web.Request) -> web.Response:
        data = await request.json()
        example = self._examples[data["id"]]
        parsed = example.problem.parse(f"The answer is {data['answer']}.")
        return web.json_response({"right": example.score(getattr(parsed, "value", None))})

    async def _tokens(self, request: web.Request) -> web.Response:
        return web.json_response({"tokens": self.tokens})

    @contextmanager
    def serving(self) -> Iterator[ModelServer]:
        """Serve in a thread until the block ends."""
        started, loop = threading.Event(), asyncio.new_event_loop()

        async def start() -> web.AppRunner:
            app = web.Application(client_max_size=2**26)
            app.add_routes(
                [
                    web.post("/v1/chat/completions", self._chat),
                    web.post("/score", self._score),
                    web.post("/tokens", self._tokens),
                ]
            )
            runner = web.AppRunner(app)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            return runner

        def serve() -> None:
            runner = loop.run_until_complete(start())
            started.set()
            loop.run_forever()
            loop.run_until_complete(runner.cleanup())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        started.wait()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)


def environment(folder: Path) -> Path:
    """Return the interpreter of the environment with DSPy; it is created if it is missing."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *REQUIRES], check=True)
    return python


def search_with_dspy(python: Path, server: ModelServer, pools: Pools, **settings: Any) -> dict[str, Any]:
    """Return the result of one search of DSPy."""
    rows = {
        pool: [
            {"id": item.id, "question": item.text, "answer": str(item.content.target)}  # type: ignore[union-attr]
            for item in getattr(pools, pool)
        ]
        for pool in ("train", "selection", "test")
    }
    setup = {"url": server.url, **settings, **rows}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "setup.json"
        path.write_text(json.dumps(setup))
        line = [python, str(Path(__file__).with_name("dspy_search.py")), str(path)]
        done = subprocess.run(line, capture_output=True, text=True, cwd=folder, check=False)
    if done.returncode:
        # A small model's proposals are not always in the form that DSPy's adapters parse.
        raise SearchFailed(done.stderr.strip()[-600:])
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def search_with_ours(
    llm: LLM, pools: Pools, strategy: str, method: str, seed: int, tokens: int, tests: Journal
) -> dict[str, Any]:
    """Return the result of one of our searches within a number of tokens.

    Args:
        llm: the model.
        pools: the pools.
        strategy: the strategy whose prompts are searched.
        method: the method of the search.
        seed: the seed of the search.
        tokens: the budget of the search.
        tests: where the replies of the final tests are kept, since searches may end with equal prompts.
    """
    total = Budget()
    budget = Budget(tokens=tokens).nested_in(total)
    chosen = registry.get(strategy)
    tunable = Tunable.of(chosen, USED[strategy])
    search = Search(tunable, pools, llm.within(budget, Journal()), total, budget, SearchLog(None), seed=seed)
    try:
        search.start()
        METHODS[method].load().run(search)
    except BudgetExhausted:
        pass
    spent = budget.spent.prompt_tokens + budget.spent.completion_tokens
    found: dict[str, dict[str, bool]] = {"before": {}, "after": {}}
    for name, arm in (("before", chosen), ("after", tunable.apply(search.best))):

        def keep(one: Evaluation, name: str = name) -> None:
            found[name][one.item.id] = one.is_perfect

        jobs = [(arm, item, keep) for item in pools.test]
        event_loop.run_sync(evaluate_all(jobs, llm.within(Budget(), tests), FailureGuard("solves")))
    return {**found, "tokens": spent, "candidates": search.progress.candidates}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", type=Path, required=True, help="the folder of DSPy's virtual environment")
    parser.add_argument("--task", default="last_letters")
    parser.add_argument("--model", default="local:smollm2-135m")
    parser.add_argument("--strategy", default="cot", choices=sorted(USED))
    parser.add_argument("--seeds", type=int, default=1, help="how many searches of each kind")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=4, help="trials of MIPROv2; GEPA gets as many full evaluations")
    parser.add_argument("--train", type=int, default=12)
    parser.add_argument("--selection", type=int, default=16)
    parser.add_argument("--test", type=int, default=40)
    parser.add_argument("--max-tokens", type=int, default=200)
    parser.add_argument("--shares", default="1,0.5", help="our budgets as shares of DSPy's tokens")
    parser.add_argument("--methods", default=",".join(PAIRS))
    parser.add_argument("--out", type=Path, help="a JSON Lines file of the searches, to which this run adds")
    parser.add_argument("--page", type=Path, help="write the table into this page, between the marks of the task")
    given = parser.parse_args()
    python = environment(given.env)
    task = get(given.task)
    shares, finished = list(map(float, given.shares.split(","))), Searches(given.out)
    print("seed | search | tokens | test before | test after | ours − DSPy (points, 95 %, p)", flush=True)
    with connect(given.model, journal=False, max_tokens=given.max_tokens) as llm:
        for seed in range(given.first_seed, given.first_seed + given.seeds):
            pools = pools_of_task(task, PoolSizes(given.train, given.selection, given.test), seed)
            tests = Journal()
            every = {item.id: item.content for pool in (pools.train, pools.selection, pools.test) for item in pool}
            with ModelServer(llm.within(Budget(), Journal()), every).serving() as server:  # type: ignore[arg-type]
                for method in given.methods.split(","):
                    settings = {
                        "method": method,
                        "seed": seed,
                        "trials": given.trials,
                        "max_tokens": given.max_tokens,
                        "program": PROGRAMS[given.strategy],
                    }
                    try:
                        theirs = finished.find(
                            seed, f"DSPy {method}", partial(search_with_dspy, python, server, pools, **settings)
                        )
                    except SearchFailed as error:
                        print(f"{seed} | DSPy {method} failed: {error}", flush=True)
                        continue
                    print(f"{seed} | DSPy {theirs['version']} {method} | {' | '.join(cells(theirs))} |", flush=True)
                    for own, part in product(PAIRS[method], shares):
                        budget = round(part * theirs["tokens"])
                        search = partial(search_with_ours, llm, pools, given.strategy, own, seed, budget, tests)
                        ours = finished.find(seed, name_search(own, part, method), search)
                        a, b = right_answers(ours, theirs)
                        print(
                            f"{seed} | ours {own} {part:.0%} | {' | '.join(cells(ours))} | {compared(a, b)}", flush=True
                        )
    for line in finished.differences(given.methods.split(","), shares):
        print(line)
    if given.page:
        put_into(given.page, to_markdown(finished, given.methods.split(","), shares), given.task)


if __name__ == "__main__":
    main()
