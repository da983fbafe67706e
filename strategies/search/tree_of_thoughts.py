"""Tree of thoughts: grow partial solutions, judge them, keep the best (Yao et al. 2023, arXiv 2305.10601)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from typing import Any, Literal

from reasoning.answer import Answer
from reasoning.errors import UnknownName, UsageError
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.search.creative_writing import CreativeWriting
from reasoning.strategies.search.crosswords import Crosswords
from reasoning.strategies.search.game24 import Game24
from reasoning.strategies.search.search_task import SearchTask
from reasoning.strategies.search.stepwise import Steps
from reasoning.strategies.search.tree_search import TreeSearch
from reasoning.strategy import Strategy, technique

TASKS: dict[str, SearchTask[Any]] = {task.name: task for task in (Game24(), Crosswords(), CreativeWriting(), Steps())}
"""Tasks by their name in a spec. If a spec names none, the first that fits the problem is used; `steps` fits all."""


@technique(
    title="Tree of thoughts",
    authors="Yao et al.",
    year=2023,
    arxiv="2305.10601",
    calls="draws * x + judgements * j",
    rounds="g + w",
    counts="x: expanded states; j: judging prompts, one per distinct state (up to ten in crosswords, if that task is "
    "named), or one per level with votes; g: rounds of expansion, one per level; w: rounds of judging, likewise",
    requires=("sampling",),
    use_when="early steps are decisive and can be judged early, as in puzzles and planning (game of 24, GPT-4: "
    "4 % with chain of thought, 49 % for the best of 100 chains, 74 % with tree of thoughts)",
    avoid_when="a single chain is mostly right; or calls are expensive (the game of 24 takes about 270 a problem); or "
    "the model judges badly, since pruning then removes right branches (rare words in crosswords). The paper counts a "
    "game of 24 as solved if any of the five kept states is right (69 % in its released run; 62 % for the "
    "first-ranked one)",
    aliases=("tot",),
    version=2,
)
class TreeOfThoughts(Strategy):
    """Search a tree of partial solutions: propose next thoughts, judge the resulting states, expand the best.

    The task defines the states, the prompts and the parsing of replies: `game24`, `crosswords`,
    `creative_writing`, `steps` (any question; its prompts are ours), a user's own `SearchTask`, or
    several tasks, of which the first that fits is used. The defaults are the paper's for the game
    of 24. Its creative writing is `tree_of_thoughts(task='creative_writing', generate='sample',
    evaluate='vote', breadth=1, depth=2, draws=5, judgements=5, temperature=1.0)`, its crosswords
    `tree_of_thoughts(search='dfs', depth=10, limit=100, children=3, draws=8, judgements=1)`. `beam`
    ranks a state by the mean value along its path (Xie et al. 2023, arXiv 2305.00633, use the
    product).

    Demonstrations are chat turns. Invalid thoughts are dropped and equal states explored once; the
    paper's code only gives them the value 0. Votes are parsed correctly for ten and more
    candidates. If everything is pruned, or all calls of a level fail, the best state so far is the
    answer. `Answer.steps` and the last note of the trace have the value of the `first_ranked` state
    and those of all `kept` states: accuracy with an oracle (any of them right) is not the accuracy
    of the answer.

    Args:
        task: "auto", the name of a task, a task, or several, of which the first that fits is used.
        search: "bfs" searches level by level, "beam" likewise by mean values, "dfs" depth-first
            with backtracking.
        generate: "propose" asks for a list of next thoughts in one reply, "sample" draws each
            thought separately.
        evaluate: "value" judges each state, "vote" compares the states of a level.
        breadth: number of states kept at each level (not with "dfs"); None is the task's: 5, or 3
            for `steps`.
        depth: number of thoughts from the question to the answer.
        draws: number of replies that propose next thoughts of a state.
        children: maximum number of next states of a state.
        judgements: number of draws of each judging prompt.
        limit: maximum number of states that "dfs" visits.
        threshold: "dfs" prunes states up to this value.

    Source:
        Yao et al. (2023), "Tree of Thoughts: Deliberate Problem Solving with Large Language
        Models", arXiv 2305.10601.
    """

    task: str | SearchTask[Any] | tuple[str | SearchTask[Any], ...] = "auto"
    search: Literal["bfs", "beam", "dfs"] = "bfs"
    generate: Literal["propose", "sample"] = "propose"
    evaluate: Literal["value", "vote"] = "value"
    breadth: int | None = None
    depth: int = 4
    draws: int = 1
    children: int = 24
    judgements: int = 3
    limit: int = 100
    threshold: float = 0.01
    temperature: float = 0.7

    @property
    def free_text_prompts(self) -> frozenset[str]:
        return frozenset(["steps.end"])

    def __post_init__(self) -> None:
        self.check_parameters(breadth=1, depth=1, draws=1, children=1, judgements=1, limit=1, temperature=0)
        if not self.tasks:
            raise UsageError("tree_of_thoughts: task must not be empty; task='auto' uses the first that fits")
        if self.search == "dfs" and self.evaluate == "vote":
            raise UsageError("tree_of_thoughts: search='dfs' judges one state at a time; use evaluate='value'")

    @property
    def tasks(self) -> tuple[SearchTask[Any], ...]:
        """The tasks from which the one for a problem is chosen."""
        names = self.task if isinstance(self.task, tuple) else (self.task,)
        return tuple(chain.from_iterable(map(_resolve, names)))

    def task_for(self, problem: Problem) -> SearchTask[Any]:
        """Return the task for a problem: the only one, or the first that fits.

        Raises:
            UsageError: none of several tasks fits.
        """
        if len(self.tasks) == 1:
            return self.tasks[0]
        for task in self.tasks:
            if task.fits(problem):
                return task
        raise UsageError(f"none of {', '.join(task.name for task in self.tasks)} fits the problem; Steps() fits all")

    @property
    def prompts(self) -> dict[str, Prompt]:
        """The prompts of the tasks by name, such as `steps.rate`; `task=Game24(rate=…)` replaces one."""
        return {f"{task.name}.{name}": prompt for task in self.tasks for name, prompt in task.prompts()}

    def with_prompts(self, change: Callable[[str, Prompt], Prompt]) -> TreeOfThoughts:
        """Return a copy with every prompt of its tasks replaced by `change(name, prompt)`."""
        tasks = tuple(
            replace(task, **{name: change(f"{task.name}.{name}", prompt) for name, prompt in task.prompts()})
            for task in self.tasks
        )
        return self if tasks == self.tasks else self.replace(task=tasks[0] if len(tasks) == 1 else tasks)

    def calls_range(self) -> tuple[int, int]:
        expanded = self.limit if self.search == "dfs" else 1 + (self.breadth or 5) * (self.depth - 1)
        if self.search == "dfs":
            judged = 10 * self.limit
        elif self.evaluate == "vote":
            judged = self.depth
        else:
            judged = (10 if self.task == "crosswords" else 1) * self.children * expanded
        return self.draws, self.draws * expanded + self.judgements * judged

    def rounds_range(self) -> tuple[int, int]:
        return 1, 2 * (self.limit if self.search == "dfs" else self.depth)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        task = self.task_for(problem)
        search = TreeSearch(
            task,
            problem,
            session,
            draws=self.draws,
            sample=self.generate == "sample",
            children=self.children,
            judgements=self.judgements,
            vote=self.evaluate == "vote",
            temperature=self.temperature,
        )
        if self.search == "dfs":
            kept = await search.depth_first(self.depth, limit=self.limit, threshold=self.threshold)
        else:
            path_mean = self.search == "beam"
            kept = await search.breadth_first(self.breadth or task.breadth, self.depth, path_mean=path_mean)
        answer = search.answer(kept)
        session.note(search.summary(answer))
        return answer


def _resolve(task: str | SearchTask[Any]) -> Iterable[SearchTask[Any]]:
    if isinstance(task, str) and task not in ("auto", *TASKS):
        raise UnknownName("search task", task, ("auto", *TASKS))
    return TASKS.values() if task == "auto" else [TASKS[task] if isinstance(task, str) else task]
