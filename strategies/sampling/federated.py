"""Federated prompting: paraphrases and analogues of a question from other users help to answer it (Liu et al. 2023)."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.branches import gather
from reasoning.errors import UsageError
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.reply_parsing import ask_or_skip, end_with_answer, normalize_question
from reasoning.strategies.sampling.majority import majority_answer
from reasoning.strategies.sampling.paraphrase_matching import analogues, paraphrases
from reasoning.strategies.sampling.rewordings import parse_rewordings
from reasoning.strategies.sampling.sampling import draw_samples
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategy import Strategy, technique

_WANTED = "Write {wanted} other wordings of this question, as a numbered list, one whole question a line."
_DEMONSTRATION = Demonstration(
    "A baker sells 12 rolls a day for $2 each. How many dollars does he take in 5 days?\n\n" + _WANTED.format(wanted=4),
    "1. Each day a baker sells 12 rolls, and a roll costs $2. What are his takings, in dollars, after 5 days?\n"
    "2. If 12 rolls at $2 each are sold every day, how many dollars does the baker take in 5 days?\n"
    "3. In 5 days, how many dollars does a baker earn who sells 12 rolls a day at $2 a roll?\n"
    "4. A roll is $2, and a baker sells 12 of them daily. How many dollars has he taken when 5 days are over?",
)
REPHRASE = Prompt(
    objective="Say a question in other words, so that it still has the very same answer.",
    instructions="Keep every number, in digits, every name, what is asked and its unit. Leave nothing out, don't turn "
    "the question into its opposite, and don't answer it.",
    input="{question}",
    recap=_WANTED,
    examples=(_DEMONSTRATION,),
)
FEW_SHOT = Prompt(
    instructions="The answers to the questions before this one were found by a vote, and some may be wrong. Reason for "
    "yourself.",
    input="{problem}",
    recap="{instruction}",
)


@technique(
    title="Federated self-consistency and chain of thought",
    authors="Liu et al.",
    year=2023,
    arxiv="2304.13911",
    calls="g + n * base + t",
    rounds="q + f * base + t",
    counts="g: calls for paraphrases that the pool lacks; n: wordings that are solved, including the question; t: 1 if "
    "solved analogues precede the question, else 0; q: rounds of the calls g, one for the analogues and one for the "
    "question; f: 2 if analogues are solved in vain before the question's paraphrases, else 1; base: the base strategy",
    requires=("a pool of questions, else a rephraser",),
    use_when="many users ask similar questions, answers depend on the wording, and work can be shared (GSM8K, SVAMP, "
    "GPT-3: 14 to 18 points over zero-shot chain of thought with the same numbers, 10 to 15 with others; second-hand)",
    avoid_when="questions are private, since the pool reveals them; or the model paraphrases badly: a wording "
    "with another meaning votes for a wrong answer (only numbers, names, negations and the sides of "
    "comparisons are checked; arXiv 2304.13911)",
    aliases=("fed_sp_sc", "fed_dp_cot"),
    version=2,
)
class Federated(Strategy):
    """Solve paraphrases of the question and vote; or show solved analogues of it as demonstrations.

    `twins=0` is Fed-SP-SC: paraphrases with the same parameters (numbers and names) come from the
    pool, and missing ones from one call to the model. The base strategy solves each, and each
    distinct paraphrase has one vote. `twins > 0` is Fed-DP-CoT: analogues, which are questions of
    the pool with other parameters, are solved in this way. Those on whose answer at least two
    paraphrases agree become demonstrations for the question. Answers of analogues never vote, since
    they rightly differ. Each demonstration ends with the sentence that states its answer, and the
    instruction for it stands behind the question. Without usable analogues the technique is Fed-SP-SC. The options of a
    multiple choice are not paraphrased; like questions about a passage or a table, it has no
    analogues in a pool of questions.

    The paper's service would match questions by embeddings. Here numbers (in digits or words),
    names, negations, the sides of comparisons and common words decide. If the call for paraphrases
    fails, those of the pool are used. The demonstration is ours. The paper's numbers of paraphrases
    and analogues and its temperature could not be verified.

    Args:
        base: the strategy that solves each paraphrase; zero-shot chain of thought in the paper.
        pool: questions of other users.
        paraphrases: maximum number of paraphrases besides the question itself.
        twins: maximum number of solved analogues.
        alike: share of common words, from 0 to 1, from which on two questions match.
        temperature: temperature of the chains; None is the session's, so that only the wordings
            differ.

    Source:
        Liu et al. (2023), "Federated Prompting and Chain-of-Thought Reasoning for Improving LLMs
        Answering", arXiv 2304.13911.
    """

    base: Strategy = ChainOfThought()
    pool: tuple[str, ...] = ()
    paraphrases: int = 4
    twins: int = 0
    alike: float = 0.5
    temperature: float | None = None
    rephrase: Prompt = REPHRASE
    few_shot: Prompt = FEW_SHOT

    prompt_includes_samples: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.check_parameters(paraphrases=0, twins=0, alike=(0, 1), temperature=0)
        if self.twins and not self.paraphrases:
            raise UsageError(
                "federated: paraphrases must be at least 1 with twins, got 0: a twin needs two wordings that agree"
            )

    def calls_range(self) -> tuple[int, int]:
        least, most = self.base.calls_range()
        wordings = (self.twins + 1) * (self.paraphrases + 1)
        return least, self.twins + 1 + wordings * most + (1 if self.twins else 0)

    def rounds_range(self) -> tuple[int, int] | None:
        base = self.base.rounds_range()
        if base is None:
            return None
        return base[0], 3 + 2 * base[1] if self.twins else 1 + base[1]

    async def solve(self, problem: Problem, session: Session) -> Answer:
        if self.twins and (examples := await self._solve_analogues(problem, session)):
            solved_analogues = {example.input: example.output for example in examples}
            session.keep_partial(
                Unparsed("only its analogues are solved", text=examples[-1].output, steps={"twins": solved_analogues})
            )
            with session.stage("answer"):
                prompt = self.few_shot.replace(examples=(*self.few_shot.examples, *examples))
                return problem.parse(await session.ask(prompt.render(problem)))
        return await self._vote_over_wordings(problem, session)

    async def _vote_over_wordings(self, problem: Problem, session: Session) -> Answer:
        """Return the answer on which the wordings agree (Fed-SP-SC)."""
        wordings = [replace(problem, question=wording) for wording in await self._wordings(problem, session)]
        draws = await draw_samples(
            self.base, wordings, session, len(wordings), name="wording", temperature=self.temperature
        )
        answer = majority_answer(draws, problem, len(wordings))
        if answer.votes is not None:
            session.note(f"votes: {answer.votes}")
        return answer

    async def _wordings(self, problem: Problem, session: Session) -> list[str]:
        """Return the question, its paraphrases in the pool, and those that the model writes."""
        question = problem.question
        wordings = [question, *paraphrases(question, self.pool, self.alike)][: self.paraphrases + 1]
        if missing := self.paraphrases + 1 - len(wordings):
            with session.stage("rephrase"):
                turns = self.rephrase.render(problem, wanted=missing)
                reply = await ask_or_skip(session, turns, "there are no new paraphrases")
            proposed, total = parse_rewordings(reply.text, question, self.alike)
            known = set(map(normalize_question, wordings))
            accepted = [wording for wording in proposed if normalize_question(wording) not in known][:missing]
            session.note(f"{len(accepted)} of {total} new paraphrases have the same numbers and names")
            wordings += accepted
        return wordings

    async def _solve_analogues(self, problem: Problem, session: Session) -> list[Demonstration]:
        """Return the analogues with a chain to the answer on which their wordings agree (Fed-DP-CoT)."""
        if problem.values()["problem"] != problem.question:
            return []
        questions = analogues(problem.question, self.pool, self.alike, self.twins)
        problems = [replace(problem, question=analogue) for analogue in questions]
        branches = session.branches(len(problems), "twin") if problems else []
        answers = await gather(
            [self._vote_over_wordings(analogue, branch) for branch, analogue in zip(branches, problems, strict=True)]
        )
        agreed = [
            Demonstration(analogue.question, end_with_answer(answer.text, answer.value, analogue))
            for analogue, answer in zip(problems, answers, strict=True)
            if isinstance(answer, Answered) and answer.votes and answer.votes.counts[0][1] > 1
        ]
        session.note(f"{len(agreed)} of {len(problems)} analogues have an answer on which wordings agree")
        return agreed
