"""The forecast of a search, without any call: its pools, the parts that it may change, and the cost of a solve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reasoning import event_loop
from reasoning.benchmarks.chains.cases import Case
from reasoning.benchmarks.chains.runner import case_problem, plan_tests
from reasoning.chain.chain import Chain
from reasoning.dry_run import record_requests
from reasoning.problem import Problem
from reasoning.short_repr import shorten
from reasoning.strategy import Strategy
from reasoning.tables import Document, Table, pluralize
from reasoning.token_estimate import estimate_turns
from reasoning.tuning.prompts.fills import Fill, record_fills, used_prompts
from reasoning.tuning.prompts.parts import Tunable
from reasoning.tuning.prompts.pools import Item, Pools

if TYPE_CHECKING:
    from reasoning.engine.llm import LLM
    from reasoning.tuning.prompts.search_folder import SearchConfig

_EXAMPLES = 5
"""The number of examples whose first requests are estimated."""


def forecast(strategy: Strategy, pools: Pools, llm: LLM, config: SearchConfig) -> Document:
    """Return the pools, the parts, and the cost of a solve and of the final test.

    Args:
        strategy: the strategy or chain.
        pools: the pools.
        llm: the model, which is not called.
        config: the configuration of the search.
    """
    fills: list[Fill] = []
    recorded = record_fills(strategy, fills)
    prompt_tokens: list[int] = []
    most_completion = 0
    for item in pools.selection[:_EXAMPLES]:
        requests = event_loop.run_sync(record_requests(*_solve(recorded, item), llm))
        prompt_tokens += [estimate_turns(request.messages) for request, _ in requests]
        most_completion = max([most_completion, *(request.max_tokens for request, _ in requests)])
    tunable = Tunable.of(strategy, used_prompts(strategy, fills), config.parts)
    rows = [(part.name, "text", shorten(part.text) if part.text else "(empty)") for part in tunable.texts]
    rows += [(name, "demonstrations", f"at most {config.max_demonstrations}") for name in tunable.shown]
    mean = sum(prompt_tokens) / max(1, len(prompt_tokens))
    least, most = strategy.calls_range()
    calls = pluralize(most, "call") if least == most else f"{least} to {most} calls"
    solve = most * (mean + most_completion)
    arms = ["your prompts", "tuned prompts"]
    arms += [] if isinstance(pools.test[0].content, Case) else ["plain alternative"]
    lines = [
        f"{strategy!r} on {llm.name}, by {config.method}",
        f"pools: {pools}",
        f"a solve: {calls} of about {mean:,.0f} prompt tokens, and at most {most_completion:,} tokens of a reply",
        f"a candidate: at most {len(pools.selection)} solves; a race stops it earlier if it is worse",
        f"the final test: {len(pools.test)} examples × {', '.join(arms)}; at most about "
        f"{len(arms) * len(pools.test) * solve:,.0f} tokens with prompts of this length",
        "no call was made: prompts that are filled after a first reply alone are found when the search begins",
    ]
    return Document(
        [lines[0], Table(("part", "what", "now"), rows, name="parts", text_columns=3), "\n".join(lines[1:])]
    )


def _solve(strategy: Strategy, item: Item) -> tuple[Strategy, Problem]:
    """Return what solves an example, and its problem: a case may test a single step of a chain."""
    if isinstance(item.content, Case):
        assert isinstance(strategy, Chain)
        [run] = plan_tests(strategy, [item.content])
        return run.chain, case_problem(run)
    return strategy, item.content.problem
