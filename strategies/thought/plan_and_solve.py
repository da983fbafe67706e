"""Plan-and-solve: make a plan, execute it, then state the answer (Wang et al. 2023, arXiv 2305.04091)."""

from __future__ import annotations

from reasoning.answer import Answer
from reasoning.kinds import Choice, Number, YesNo
from reasoning.kinds.label import Label
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.thought.answer_extraction import ANSWER_TOKENS, extract_answer, stated_answer
from reasoning.strategy import Strategy, technique

PLAN = Prompt(
    input="{problem}",
    recap="First make sure that you understand the problem, and make a plan to solve it. Then carry the whole plan out "
    "right away, step by step.",
)
PLAN_PLUS = Prompt(
    input="{problem}",
    recap="First make sure that you understand the problem. Write down the quantities that matter and their values, "
    "and make a complete plan. Then carry the whole plan out right away, step by step: work out each quantity on the "
    "way, take care that every calculation is right and that it makes sense in real life, and show the answer.",
)
PLAN_FACTS = Prompt(
    input="{problem}",
    recap="First gather what one has to know to answer this, and make a plan. Then carry the whole plan out right "
    "away, step by step, with an eye to common sense and to whether each step follows, and show the answer.",
)


@technique(
    title="Plan-and-solve",
    authors="L. Wang et al.",
    year=2023,
    arxiv="2305.04091",
    calls="1 + e",
    rounds="1 + e",
    counts="e: 1 if the reply states no answer and the answer stage follows, else 0",
    use_when="there are no demonstrations and zero-shot chain of thought skips steps: six arithmetic sets 70.4 -> "
    "76.7, last letters 64.8 -> 75.2 with PS+ (text-davinci-003)",
    avoid_when="the errors are misread questions: planning reduces only missing steps and calculation errors; or "
    "demonstrations are available (8-shot chain of thought: 77.6); or the model plans by itself (arXiv 2305.04091)",
    aliases=("ps", "plan_and_solve_plus"),
)
class PlanAndSolve(Strategy):
    """Plan first, execute the plan, and ask for the answer if none is stated.

    One completion plans and executes. `plus=True` is PS+, by kind of question as in the paper's
    code: quantities for numbers (and if most options are numbers), necessary knowledge for yes or
    no, other options and labels. All other kinds get PS, and so does everything with `plus=False`.
    No kind tells that a task is about symbols or states (last letters, coins), which have their own
    prompts in the paper: for these, write "keep track of the state after each step" into `plan` or
    `plan_facts`. A chat model stops after the plan unless told to execute it right away. The
    paper's 256 tokens are too few for a model that explains.

    Args:
        plus: whether to use PS+; see above.
        answer_tokens: maximum tokens of the second reply, which states an answer of one line; the paper
            takes as few.

    Source:
        Wang et al. (2023), "Plan-and-Solve Prompting", arXiv 2305.04091.
    """

    plus: bool = True
    answer_tokens: int = ANSWER_TOKENS
    plan: Prompt = PLAN
    plan_plus: Prompt = PLAN_PLUS
    plan_facts: Prompt = PLAN_FACTS

    def __post_init__(self) -> None:
        self.check_parameters(answer_tokens=1)

    def calls_range(self) -> tuple[int, int]:
        return 1, 2

    def rounds_range(self) -> tuple[int, int]:
        return self.calls_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        turns = self._prompt(problem).render(problem)
        with session.stage("plan and solve"):
            worked_out = await session.ask(turns)
        return stated_answer(problem, worked_out) or await extract_answer(
            problem, session, turns, worked_out.text, self.answer_tokens
        )

    def _prompt(self, problem: Problem) -> Prompt:
        kind = problem.kind
        if not self.plus or not isinstance(kind, Number | Choice | YesNo | Label):
            return self.plan
        options = list(kind.options) if isinstance(kind, Choice) else []
        numbers = sum(Number().parse_line(option, "") is not None for option in options)
        return self.plan_plus if isinstance(kind, Number) or numbers > len(options) / 2 else self.plan_facts
