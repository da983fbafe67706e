"""Plan-and-solve: make a plan, execute it, then state the answer (Wang et al. 2023, arXiv 2305.04091)."""

from __future__ import annotations

from typing import Literal

from reasoning.answer import Answer
from reasoning.errors import UsageError
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
PLAN_LETTERS = Prompt(
    input="{problem}",
    recap="First make a plan for this. Then carry the whole plan out right away, step by step, and show the answer.",
)
PLAN_STATES = Prompt(
    input="{problem}",
    recap="First make sure that you understand the problem, and make a complete plan. Then carry the whole plan out "
    "right away: for each step, say what is done and what the state is after it. The last state gives the answer.",
)
# The sentences of the paper and its code, as they stand.
PAPER_PLAN = Prompt(
    input="{problem}",
    recap="Let's first understand the problem and devise a plan to solve the problem. Then, let's carry out the plan "
    "to solve the problem step by step.",
)
PAPER_PLUS = Prompt(
    input="{problem}",
    recap="Let's first understand the problem, extract relevant variables and their corresponding numerals, and devise "
    "a complete plan. Then, let's carry out the plan, calculate intermediate variables (pay attention to correct "
    "numerical calculation and commonsense), solve the problem step by step, and show the answer.",
)
PAPER_FACTS = Prompt(
    input="{problem}",
    recap="Let's first prepare relevant information and make a plan. Then, let's answer the question step by step (pay "
    "attention to commonsense and logical coherence).",
)
PAPER_LETTERS = Prompt(input="{problem}", recap="Let's devise a plan and solve the problem step by step.")
PAPER_STATES = Prompt(
    input="{problem}",
    recap="Let's first understand the problem and devise a complete plan. Then, let's carry out the plan and reason "
    "problem step by step. Every step answer the subquestion, \"does the person flip and what is the coin's current "
    "state?\". According to the coin's last state, give the final answer (pay attention to every flip and the coin’s "
    "turning state).",
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
    No kind tells that a task is about symbols or states: for last letters write `form="letters"`,
    for coins and the like `form="states"`, which are prompts of their own in the paper's code.

    The default prompts are in our words: they tell a chat model, which stops after the plan, to
    execute it right away. `wording="paper"` sends the sentences of the paper's code, to which the
    published figures belong; of its four for numbers it is the one with a complete plan, and its
    sentence for states speaks of coins. The answer stage has the kind's trigger in place of the
    paper's "Therefore, the answer is". The paper's 256 tokens are too few for a model that explains.

    Args:
        plus: whether to use PS+; see above.
        answer_tokens: maximum tokens of the second reply, which states an answer of one line; the paper
            takes as few.
        form: the form of PS+: "kind" chooses by the kind of the answer; "numbers", "facts" (the
            paper's StrategyQA), "letters" (last letters) or "states" (coin flips).
        wording: "own" for our prompts, "paper" for the paper's sentences.

    Source:
        Wang et al. (2023), "Plan-and-Solve Prompting", arXiv 2305.04091.
    """

    plus: bool = True
    answer_tokens: int = ANSWER_TOKENS
    form: Literal["kind", "numbers", "facts", "letters", "states"] = "kind"
    wording: Literal["own", "paper"] = "own"
    plan: Prompt = PLAN
    plan_plus: Prompt = PLAN_PLUS
    plan_facts: Prompt = PLAN_FACTS
    plan_letters: Prompt = PLAN_LETTERS
    plan_states: Prompt = PLAN_STATES
    paper_plan: Prompt = PAPER_PLAN
    paper_plus: Prompt = PAPER_PLUS
    paper_facts: Prompt = PAPER_FACTS
    paper_letters: Prompt = PAPER_LETTERS
    paper_states: Prompt = PAPER_STATES

    def __post_init__(self) -> None:
        self.check_parameters(answer_tokens=1)
        if not self.plus and self.form != "kind":
            raise UsageError(
                f"plan_and_solve: only PS+ has the form {self.form!r}, got plus=False; leave out one of them"
            )

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
        own, paper = {
            "plan": (self.plan, self.paper_plan),
            "numbers": (self.plan_plus, self.paper_plus),
            "facts": (self.plan_facts, self.paper_facts),
            "letters": (self.plan_letters, self.paper_letters),
            "states": (self.plan_states, self.paper_states),
        }[self._form(problem) if self.form == "kind" else self.form]
        return paper if self.wording == "paper" else own

    def _form(self, problem: Problem) -> str:
        """Return the form for a kind of answer."""
        kind = problem.kind
        if not self.plus or not isinstance(kind, Number | Choice | YesNo | Label):
            return "plan"
        options = list(kind.options) if isinstance(kind, Choice) else []
        numbers = sum(Number().parse_line(option, "") is not None for option in options)
        return "numbers" if isinstance(kind, Number) or numbers > len(options) / 2 else "facts"
