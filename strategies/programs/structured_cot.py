"""Structured chain of thought: plan code in sequences, branches and loops, then write it (Li et al. 2023)."""

from __future__ import annotations

from dataclasses import replace

from reasoning.answer import Answer, Unparsed
from reasoning.kinds import Code
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.sandbox.code_extraction import parse
from reasoning.session import Session
from reasoning.strategies.programs.program_run import REPAIR
from reasoning.strategies.programs.unit_tests import first_failure
from reasoning.strategies.reply_parsing import continue_with
from reasoning.strategies.sampling.sampling import draw_samples
from reasoning.strategy import Strategy, technique

_EXAMPLES = [
    (
        "Write a function longest_run(items) that returns how many equal items stand side by side at most.",
        """Input: items: list
Output: longest: int
1: longest = run = 0
2: for each item and its place:
3:     if it is not the first one and equals the one before it:
4:         run = run + 1
5:     else:
6:         run = 1
7:     longest = the larger one of longest and run
8: return longest""",
        """def longest_run(items):
    longest = run = 0
    for place, item in enumerate(items):
        if place > 0 and item == items[place - 1]:
            run += 1
        else:
            run = 1
        longest = max(longest, run)
    return longest
""",
    ),
    (
        "Write a function change(amount, coins) that returns the fewest coins that make up an amount, or -1 where none "
        "do. Each coin may be used any number of times.",
        """Input: amount: int, coins: list of int
Output: fewest: int
1: fewest[0] = 0
2: for each sum from 1 to amount:
3:     best = none
4:     for each coin:
5:         if the coin is not larger than the sum and fewest[sum - coin] is known:
6:             best = the smaller one of best and fewest[sum - coin] + 1
7:     if best is not none:
8:         fewest[sum] = best
9: return fewest[amount] if it is known, else -1""",
        """def change(amount, coins):
    fewest = {0: 0}
    for total in range(1, amount + 1):
        counts = [fewest[total - coin] + 1 for coin in coins if total - coin in fewest]
        if counts:
            fewest[total] = min(counts)
    return fewest.get(amount, -1)
""",
    ),
]
PLAN = Prompt(
    objective="Write a rough solving process for a programming task. Write no code yet.",
    instructions="Begin with the input-output structure: names and types. Then number the steps, and build them from "
    "three structures only: sequences, branches (if, else) and loops (for, while). Say in words what a step does.",
    input="{problem}",
    recap="The solving process:",
    examples=tuple(Demonstration(f"{task}\n\nThe solving process:", plan) for task, plan, _ in _EXAMPLES),
)
WRITE = Prompt(
    objective="Write the code for a programming task, after a solving process that somebody has sketched.",
    instructions="Check the solving process first: it may contain errors. Keep to the task's names and parameters.",
    input="{problem}\n\nThe solving process:\n{plan}",
    recap="{instruction}",
    examples=tuple(
        Demonstration(f"{task}\n\nThe solving process:\n{plan}", f"```python\n{code}```")
        for task, plan, code in _EXAMPLES
    ),
)


@technique(
    name="structured_cot",
    title="Structured chain of thought",
    authors="Li et al.",
    year=2023,
    arxiv="2305.06599",
    calls="2 * samples if repairs == 0 else 2 * samples + r",
    rounds="2 if repairs == 0 else 2 + m",
    counts="r: repairs of all samples; m: the most repairs of one sample",
    kinds=(Code,),
    requires=("interpreter", "sampling if samples > 1"),
    use_when="the answer is code, and the model gets branches and loops wrong without a plan (gpt-3.5-turbo, "
    "HumanEval pass@1: 53.3 with chain of thought, 60.6 with structured chain of thought)",
    avoid_when="the model was trained for code: the plan makes a strong one worse (Qwen2.5-Coder-7B, HumanEval: 85.4 "
    "without, 82.3 with it, an independent run)",
    aliases=("scot",),
)
class StructuredCoT(Strategy):
    """Plan code as sequences, branches and loops; then check the plan and write the code.

    Code that does not compile is `Unparsed`. If the problem has tests (`inputs={"tests": "assert
    f(2) == 4"}`), they run in the interpreter: the first program that passes is the answer, and the
    confidence is the share that pass. Without tests the answer is the first program that compiles.
    The paper's measure, pass@k, is `self_consistency(structured_cot, samples=20, temperature=0.8)`
    scored by `unit_tests.unit_test_scorer` on tests that no strategy sees.

    Args:
        samples: number of programs, each with its own plan.
        temperature: temperature of the samples, if there are several.
        repairs: maximum number of times that a program that does not compile or fails its tests is
            sent back with the error; 0 in the paper.

    Source:
        Li et al. (2023), "Structured Chain-of-Thought Prompting for Code Generation", arXiv
        2305.06599.
    """

    samples: int = 1
    temperature: float = 0.8
    repairs: int = 0
    plan: Prompt = PLAN
    write: Prompt = WRITE
    repair: Prompt = REPAIR

    @property
    def free_text_prompts(self) -> frozenset[str]:
        return frozenset(["write"])

    def __post_init__(self) -> None:
        self.check_parameters(samples=1, temperature=0, repairs=0)

    def calls_range(self) -> tuple[int, int]:
        return 2 * self.samples, (2 + self.repairs) * self.samples

    def rounds_range(self) -> tuple[int, int]:
        return 2, 2 + self.repairs

    async def solve(self, problem: Problem, session: Session) -> Answer:
        if self.samples > 1:
            draws = await draw_samples(
                self.replace(samples=1), problem, session, self.samples, temperature=self.temperature
            )
            answers: list[Answer] = [draw.answer for draw in draws if draw.answer is not None]
            best = max(answers, key=lambda answer: (answer.confidence or 0, answer.value is not None))
            share = sum(answer.confidence or 0 for answer in answers) / self.samples
            return best if best.confidence is None else replace(best, confidence=share)
        with session.stage("plan"):
            plan = (await session.ask(self.plan.render(problem))).text.splitlines()
        plan = [line for line in plan if not line.lstrip().startswith(("```", "~~~"))]
        turns = self.write.render(problem, plan="\n".join(plan).strip())
        with session.stage("write"):
            reply = await session.ask(turns)
        for repairs_left in range(self.repairs, -1, -1):
            answer, error = await self._check(problem, problem.parse(reply), session)
            if error is None or not repairs_left:
                break
            turns = continue_with(turns, reply.text, self.repair, error=error)
            with session.stage("repair"):
                reply = await session.ask(turns)
        return answer

    async def _check(self, problem: Problem, answer: Answer, session: Session) -> tuple[Answer, str | None]:
        """Return the answer with the outcome of its tests, and the error if there is one."""
        if answer.value is None or not isinstance(problem.kind, Code) or problem.kind.language != "python":
            return answer, answer.reason or None
        if parse(answer.value) is None:
            return Unparsed("the code does not compile", text=answer.text), "SyntaxError: it is no Python program"
        if not (tests := problem.inputs.get("tests", "")):
            return answer, None
        error = await first_failure(answer.value, tests, session.tools.interpreter)
        session.note(f"tests: {error or 'passed'}")
        return replace(answer, confidence=float(error is None)), error
