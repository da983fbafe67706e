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
from reasoning.strategies.search.crosswords import Crosswords
from reasoning.strategies.search.game24 import Game24
from reasoning.strategies.search.search_task import SearchTask
from reasoning.strategies.search.stepwise import Steps
from reasoning.strategies.search.tree_search import TreeSearch
from reasoning.strategy import Strategy, technique

TASKS: dict[str, SearchTask[Any]] = {task.name: task for task in (Game24(), Crosswords(), Steps())}
"""The tasks that a spec can name. Where it names none, the first that fits the problem is taken; `steps` fits all."""


@technique(
    title="Tree of thoughts",
    authors="Yao et al.",
    year=2023,
    arxiv="2305.10601",
    calls="draws * x + judgements * j",
    rounds="g + w",
    counts="x: states that were expanded; j: prompts that judged, one for each distinct state "
    "(in crosswords, if they are named, up to ten), or with votes one for each level; g: times that states were "
    "expanded, those of a level at once; w: times that states were judged, likewise",
    requires=("sampling",),
    use_when="a first step decides and can be judged before the end, as in puzzles and planning (game of 24, GPT-4: "
    "4 % with chain of thought, 49 % for the best of 100 chains, 74 % with it)",
    avoid_when="a chain is mostly right, or calls are dear, because the game of 24 takes some 270 a problem, or "
    "the model judges badly, because pruning then kills right branches (rare words in crosswords). The paper counts a "
    "game of 24 as solved if any of the five states that are kept is right (69 % in its released run; 62 % for the "
    "first-ranked one)",
    aliases=("tot",),
)
class TreeOfThoughts(Strategy):
    """Search a tree of partial solutions: propose next thoughts, judge the states they lead to, go on from the best.

    The task says what a state is, what is asked and how replies are read: `game24`, `crosswords`, `steps` (any
    question), a `SearchTask` of one's own, or several, of which the first that fits is taken. The defaults are the
    paper's for the game of 24. Its creative writing is
    `tree_of_thoughts(generate='sample', evaluate='vote', breadth=1, depth=2, draws=5, judgements=5, temperature=1.0)`,
    its crosswords `tree_of_thoughts(search='dfs', depth=10, limit=100, children=3, draws=8, judgements=1)`. `beam`
    ranks a state by the mean value along its way (Xie et al. 2023, arXiv 2305.00633, take the product).

    Few-shot examples are chat turns. Thoughts that are not valid are dropped, and equal states explored once, where the
    paper's code only gives them the value 0. Votes are read whole, also with ten candidates and more. Where all is
    pruned, or all calls of a level fail, the best so far is the answer. `Answer.steps` and the trace's last note have
    the value of the `first_ranked` state and those `kept`, of all that were: accuracy with an oracle (any of them
    right) is not that of the answer.

    Args:
        task: "auto", a task's name, a task, or several of which the first that fits is taken.
        search: "bfs" level by level; "beam" the same by mean values; "dfs" down to the first thought and back.
        generate: "propose" lists next thoughts in a reply; "sample" draws each by itself.
        evaluate: "value" judges each state; "vote" compares the states of a level.
        breadth: states that are kept at each level (not with "dfs"); None is the task's: 5, and 3 for `steps`.
        depth: thoughts from the question to the answer.
        draws: replies in which the next thoughts of a state are sought.
        children: next states of a state, at most.
        judgements: draws of each prompt that judges.
        limit: states that are visited with "dfs", at most.
        threshold: the value up to which "dfs" prunes a state.
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

    def __post_init__(self) -> None:
        self.check_parameters(breadth=1, depth=1, draws=1, children=1, judgements=1, limit=1, temperature=0)
        if not self.tasks:
            raise UsageError("tree_of_thoughts(task=()) names no search task: task='auto' takes one that fits")
        if self.search == "dfs" and self.evaluate == "vote":
            raise UsageError("tree_of_thoughts(search='dfs') judges one state at a time: use evaluate='value'")

    @property
    def tasks(self) -> tuple[SearchTask[Any], ...]:
        """The tasks that a problem can be taken for."""
        given = self.task if isinstance(self.task, tuple) else (self.task,)
        return tuple(chain.from_iterable(map(_named, given)))

    def task_for(self, problem: Problem) -> SearchTask[Any]:
        """The task that a problem is taken for: the only one, or the first that fits."""
        if len(self.tasks) == 1:
            return self.tasks[0]
        for one in self.tasks:
            if one.fits(problem):
                return one
        raise UsageError(f"none of {', '.join(one.name for one in self.tasks)} fits the problem; Steps() fits all")

    @property
    def prompts(self) -> dict[str, Prompt]:
        """The prompts of its tasks; `task=Game24(rate=…)` replaces one."""
        return {f"{task.name}.{name}": prompt for task in self.tasks for name, prompt in task.prompts()}

    def with_prompts(self, change: Callable[[str, Prompt], Prompt]) -> TreeOfThoughts:
        """A copy in which every prompt of its tasks is changed, by its name such as "steps.rate"."""
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
            along = self.search == "beam"
            kept = await search.breadth_first(self.breadth or task.breadth, self.depth, path_mean=along)
        answer = search.answer(kept)
        session.note(search.summary(answer))
        return answer


def _named(task: str | SearchTask[Any]) -> Iterable[SearchTask[Any]]:
    if isinstance(task, str) and task not in ("auto", *TASKS):
        raise UnknownName("search task", task, ("auto", *TASKS))
    return TASKS.values() if task == "auto" else [TASKS[task] if isinstance(task, str) else task]
