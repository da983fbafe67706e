"""Direct prompting, the baseline: a request for the answer alone (Brown et al. 2020; Kojima et al. 2022)."""

from __future__ import annotations

from reasoning.branches import FirstCall
from reasoning.first_call_strategy import FirstCallStrategy
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.strategies.demonstrations import DemonstrationSource, WorkedExample, with_examples
from reasoning.strategy import technique

PROMPT = Prompt(input="{problem}", recap="{direct_instruction}")


def bare(worked: WorkedExample) -> Demonstration:
    """Return a demonstration of a question and its answer, without the reasoning."""
    return Demonstration(worked.question, worked.answer)


@technique(
    title="Direct prompting",
    authors="Brown et al.",
    year=2020,
    arxiv="2005.14165",
    calls="1",
    rounds="1",
    requires=("demonstrations if shots > 0",),
    use_when="a baseline is wanted, which every technique has to beat; or the answer is a fact, a label or anything "
    "else that needs no steps",
    avoid_when="the answer takes several steps: a bare answer leaves the model no room to work them out "
    "(text-davinci-002, MultiArith: 17.7 against 78.7 % with zero-shot chain of thought; arXiv 2205.11916)",
    aliases=("direct", "basic", "io"),
)
class Vanilla(FirstCallStrategy):
    """Ask for the final answer and nothing else.

    Chat models reason without being asked, which would not be a baseline. The request for a bare
    answer is therefore at the end of the user's turn, where small models follow it, and
    `max_tokens` is small: a longer reply has steps. A model that cannot answer without reasoning
    gets room for it on top.

    Args:
        max_tokens: maximum tokens of the answer.

    Source:
        Brown et al. (2020), "Language Models are Few-Shot Learners", arXiv 2005.14165; Kojima et
        al. (2022), arXiv 2205.11916.
    """

    shots: int = 0
    max_tokens: int = 64
    demonstrations: DemonstrationSource = None
    prompt: Prompt = PROMPT

    def __post_init__(self) -> None:
        self.check_parameters(shots=0, max_tokens=1)

    def first_call(self, problem: Problem) -> FirstCall:
        prompt = with_examples(self.prompt, problem, self.shots, bare, self.demonstrations)
        return FirstCall(prompt.render(problem), problem.parse, {"max_tokens": self.max_tokens})
