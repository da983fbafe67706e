"""ReAct: thoughts and actions with tools take turns (Yao et al. 2022, arXiv 2210.03629)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from reasoning.answer import Answer
from reasoning.errors import BudgetExhausted, CallFailed
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.acting.acting import change_strategies, finish, strategies_in, take_action
from reasoning.strategies.acting.native_actions import NATIVE, NativeActions
from reasoning.strategies.acting.text_actions import FINISH
from reasoning.strategies.acting.text_steps import ACT_ONLY, ACTION_LINE, OBSERVATION, SPARSE, STEPS, TextSteps
from reasoning.strategies.acting.trajectory import Trajectory
from reasoning.strategies.acting.worked_trajectories import with_trajectories
from reasoning.strategy import Strategy, technique
from reasoning.text_safety import to_line
from reasoning.tools import Toolbox, as_tools, make_tools


@technique(
    name="react",
    title="ReAct",
    authors="Yao et al.",
    year=2022,
    arxiv="2210.03629",
    calls="s + a + t",
    rounds="s + a + w",
    counts="s: steps, at most max_steps; a: steps in which a second call asks for the action; t: calls of strategies "
    "among the tools; w: rounds of these calls",
    requires=("corpus or retriever for 'pages' and 'search'", "table for 'sql'", "interpreter for 'python'"),
    use_when="the answer is in pages, a table or a program's result and not in the model: its facts are then observed "
    "(of the wrong chains of thought on HotpotQA, 56 % have an invented fact; of those of ReAct, none)",
    avoid_when="the model knows the facts: chain of thought with a vote is better (PaLM-540B, HotpotQA: 27.4 with "
    "ReAct, 33.4 with the vote, 35.1 with ReAct and the vote as back-off); or the search finds little: 23 % of its "
    "errors; or steps must be few, since each waits for the one before",
    aliases=("reason_and_act",),
)
class ReAct(Strategy):
    """Take steps of a thought and an action until the action `Finish[answer]`.

    By default the actions are the paper's: `Search[entity]` shows the first sentences of a page,
    `Lookup[keyword]` the next sentence on it with a keyword. `tools` gives others: see
    docs/how-to/use-tools.md. A step is one call, which ends where the model would write the
    observation. Only the first step of a reply counts. A reply without an action keeps its thought,
    and a second call asks for the action alone. An action that cannot be taken is answered with the
    valid ones. The kind of answer parses the text in the brackets of `Finish`. Without a `Finish`
    within `max_steps` there is no answer (`Unparsed`): see `back_off`.

    For chat models, steps are turns: each reply continues the open line "Thought 1:", and each
    observation is the next turn. An action that is repeated with the same result is answered with a
    note, the main failure in the paper. If the prompt is too long for the model, the oldest steps are
    left out. The paper allows 100 tokens a step and ends a second reply at the first line break;
    programs, and models that put fences around an action, need more.

    `thoughts="none"` is the paper's ablation Act. `thoughts="sparse"` is its form for long
    tasks (ALFWorld): a step is an action or a thought, which is answered with "OK.".
    `actions="native"` uses the tool calls of the model's API, without demonstrations.

    Args:
        tools: the tools, besides `Finish`: names (`'pages'`, `'search'`, `'python'`, `'sql'`), Python
            functions, strategies or tools of `reasoning.tools`.
        retriever: what is searched: a folder, a file, `'wikipedia'`, …; None is the problem's corpus.
        max_steps: maximum number of steps; 7 in the paper for HotpotQA, 5 for FEVER, 50 for ALFWorld, 15 for WebShop.
        thoughts: the steps that have a thought; see above.
        actions: the form of actions; see above.
        shots: number of worked trajectories to show; those that use other tools are left out. The
            paper has 6 for questions, 3 for claims.
        demonstrations: a file with other trajectories, in the form of `trajectories.toml`; None for the shipped ones.
        max_tokens: maximum tokens of a step.
        max_observation: maximum characters of an observation.

    Source:
        Yao et al. (2022), "ReAct: Synergizing Reasoning and Acting in Language Models", arXiv 2210.03629.

    Examples:
        >>> from reasoning import Problem, kinds, strategies
        >>> from reasoning.testing import ScriptedLLM
        >>> llm = ScriptedLLM(["I calculate it.\\nAction 1: Python[17 * 23]", "It is 391.\\nAction 2: Finish[391]"])
        >>> answer = strategies.get("react(tools='python')").run(Problem("What is 17 * 23?", kinds.Number()), llm)
        >>> answer.value, dict(answer.steps)
        (391, {'1. Python[17 * 23]': '391', '2. Finish[391]': ''})
    """

    tools: tuple[Any, ...] | str = ("pages",)
    retriever: Any = None
    max_steps: int = 7
    thoughts: Literal["every", "sparse", "none"] = "every"
    actions: Literal["text", "native"] = "text"
    shots: int = 3
    demonstrations: str | None = None
    max_tokens: int = 256
    max_observation: int = 2000
    steps: Prompt = STEPS
    sparse: Prompt = SPARSE
    act_only: Prompt = ACT_ONLY
    action_line: Prompt = ACTION_LINE
    observation: Prompt = OBSERVATION
    native: Prompt = NATIVE

    def __post_init__(self) -> None:
        object.__setattr__(self, "tools", as_tools(self.tools))
        self.check_parameters(max_steps=1, shots=0, max_tokens=1, max_observation=40)

    def calls_range(self) -> tuple[int, int]:
        most = max((strategy.calls_range()[1] for strategy in strategies_in(self.tools)), default=0)
        return 1, self.max_steps * (self._most_replies + most)

    def rounds_range(self) -> tuple[int, int] | None:
        ranges = [strategy.rounds_range() for strategy in strategies_in(self.tools)]
        known = [one[1] for one in ranges if one is not None]
        if len(known) < len(ranges):
            return None
        return 1, self.max_steps * (self._most_replies + max(known, default=0))

    @property
    def _most_replies(self) -> int:
        """The most replies of a step."""
        return 2 if self.actions == "text" and self.thoughts == "every" else 1

    def with_strategies(self, change: Callable[[Strategy], Strategy]) -> ReAct:
        """Return a copy with every strategy that serves as a tool replaced by `change(strategy)`."""
        tools = change_strategies(as_tools(self.tools), change)
        return self if tools == self.tools else self.replace(tools=tools)

    async def solve(self, problem: Problem, session: Session) -> Answer:
        toolbox = Toolbox(make_tools(self.tools, problem, self.retriever), also=(f"{FINISH}[answer]",))
        trajectory, writer = Trajectory(), self._writer(toolbox, problem)
        unfinished = f"no {FINISH} within {self.max_steps} steps"
        try:
            for number in range(1, self.max_steps + 1):
                with session.stage(f"step {number}"):
                    thought, action = await writer.next_step(trajectory, session)
                    # A reader of the trace sees the trajectory without opening its steps.
                    session.trace.name += f": {to_line(str(action))[:80]}"
                    if action.is_finish:
                        return finish(problem, trajectory, thought, action)
                    await take_action(toolbox, trajectory, thought, action, session, self.max_observation)
        except (BudgetExhausted, CallFailed):
            if trajectory.steps:
                # A strategy among the tools may have kept a partial result of its own.
                session.keep_partial(trajectory.without_answer(unfinished))
            raise
        return trajectory.without_answer(unfinished)

    def _writer(self, toolbox: Toolbox, problem: Problem) -> TextSteps | NativeActions:
        if self.actions == "native":
            return NativeActions(self.native, problem, toolbox, self.max_tokens)
        prompt = {"every": self.steps, "sparse": self.sparse, "none": self.act_only}[self.thoughts]
        shown = with_trajectories(
            *(prompt, problem.kind, toolbox.names, self.shots, self.demonstrations),
            thoughts=self.thoughts,
            observation=self.observation,
        )
        return TextSteps(shown, problem, toolbox, self.thoughts, self.action_line, self.observation, self.max_tokens)
