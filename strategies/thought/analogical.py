"""Analogical prompting: the model recalls its own problems as examples (Yasunaga et al. 2023, arXiv 2310.01714)."""

from __future__ import annotations

from reasoning.answer import Answer, Failed, Unparsed
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.reply_parsing import ask_or_skip, continue_with
from reasoning.strategies.thought.recalled_problems import exemplar_error, parse_solution
from reasoning.strategy import Strategy, technique

RECALL = Prompt(
    objective="Solve the initial problem. Before that, recall similar problems and solve them.",
    input="{problem}",
    recap="Recall {exemplars} relevant problems as examples. They differ from one another and from the initial "
    "problem, in names and in numbers too. Then solve the initial problem.\n\n"
    'The reply has {parts} parts.{tutorial} The {first} has the heading "## Relevant problems". In it each problem '
    'begins with "Q:", and its solution, explained and with its result, with "A:". The {second} has the heading "## '
    'Solve the initial problem". It says the initial problem again and solves it step by step. {instruction}',
    form="markdown",
)
TUTORIAL = (
    ' The first has the heading "## Core concepts": the concepts at the core of the initial problem, with a short '
    "tutorial on each."
)
AGAIN = Prompt(
    input="{complaint} Write {both} parts again, under the same headings: first {concepts}{exemplars} problems that "
    "all differ, then the initial problem and its solution."
)
_TWO_PARTS = {"tutorial": "", "parts": "two", "first": "first", "second": "second", "both": "both", "concepts": ""}
_THREE_PARTS = {
    "tutorial": TUTORIAL,
    "parts": "three",
    "first": "second",
    "second": "third",
    "both": "all three",
    "concepts": "the core concepts, then ",
}


@technique(
    title="Analogical prompting",
    authors="Yasunaga et al.",
    year=2023,
    arxiv="2310.01714",
    calls="1 + r",
    rounds="1 + r",
    counts="r: replies asked for again because their problems were alike, at most `repairs`",
    use_when="the model is strong and there are no demonstrations, or the useful ones differ from question to "
    "question (Codeforces with GPT-3.5-turbo: about the level of plain GPT-4)",
    avoid_when="the model is weak: it recalls wrong examples and loses to retrieved demonstrations "
    "(davinci-001); or replies are short: a truncated reply has only the examples' answers (arXiv 2310.01714)",
    aliases=("analogical_reasoning",),
    version=2,
)
class Analogical(Strategy):
    """Recall related problems, solve them, then solve the problem itself, in one reply.

    Only the text after the last heading "Solve the initial problem" (or "Solution to the initial
    problem" and the like), at the beginning of a line, is parsed, since the recalled problems have
    answers too; without the heading there is no answer. Recalled problems are found by their labels
    ("Q:", "### Problem 2"), as the questions of a numbered list, or as rows of a table. Models copy
    the problem or one of the recalled ones. If two share too many words, or there are too few, the
    reply is asked for again (`repairs`; the paper does not), and then parsed as it is, with a note.
    If that call fails or gives no answer, the reply before it counts. `tutorial=True` asks for the
    core concepts first, which the paper does for competitive programming. The paper recalls 5
    problems for grade-school arithmetic and 3 otherwise. The prompt is in our words, with the paper's
    headings; the paper names the kind of the problems ("examples of math problems").

    Args:
        exemplars: number of problems to recall.
        tutorial: whether the reply begins with the core concepts.
        repairs: maximum number of times that a reply with too similar problems is asked for again.
        alike: share of common words, from 0 to 1, above which two problems count as the same.
        max_tokens: maximum tokens of a reply; a larger limit of the model takes its place.

    Source:
        Yasunaga et al. (2023), "Large Language Models as Analogical Reasoners", arXiv 2310.01714.
    """

    exemplars: int = 3
    tutorial: bool = False
    repairs: int = 1
    alike: float = 0.8
    max_tokens: int = 2048
    recall: Prompt = RECALL
    again: Prompt = AGAIN

    @property
    def free_text_prompts(self) -> frozenset[str]:
        return frozenset(["recall"])

    def __post_init__(self) -> None:
        self.check_parameters(exemplars=1, repairs=0, alike=(0, 1), max_tokens=1)

    def calls_range(self) -> tuple[int, int]:
        return 1, 1 + self.repairs

    def rounds_range(self) -> tuple[int, int]:
        return self.calls_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        words: dict[str, object] = {"exemplars": self.exemplars, **(_THREE_PARTS if self.tutorial else _TWO_PARTS)}
        turns = self.recall.render(problem, **words)
        with session.stage("recall and solve"):
            reply = await session.ask(turns, max_tokens=session.at_least(self.max_tokens))
        answer, repairs = parse_solution(reply, problem), self.repairs
        while (error := exemplar_error(reply.text, problem, self.exemplars, self.alike)) is not None:
            session.note(error)
            if not repairs:
                break
            repairs -= 1
            turns = continue_with(turns, reply.text, self.again, complaint=error, **words)
            with session.stage("recall again"):
                second_reply = await ask_or_skip(
                    session, turns, "the reply is parsed as it is", max_tokens=session.at_least(self.max_tokens)
                )
            if isinstance(second_reply, Failed):
                break
            reply, second_answer = second_reply, parse_solution(second_reply, problem)
            if not isinstance(second_answer, Unparsed) or isinstance(answer, Unparsed):
                answer = second_answer
        return answer
