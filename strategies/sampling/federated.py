"""Federated prompting: other people's wordings of a question, and its twins, help to answer it (Liu et al. 2023)."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.branches import gather
from reasoning.errors import UsageError
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.reply_parsing import append_answer, ask_or_skip, normalize_question, parse_items
from reasoning.strategies.sampling.majority import majority_answer
from reasoning.strategies.sampling.paraphrase_matching import analogues, paraphrases, same_parameters
from reasoning.strategies.sampling.sampling import draw_samples
from reasoning.strategies.thought.cot import ChainOfThought
from reasoning.strategy import Strategy, technique

_WANTED = "Write {wanted} other wordings of this question, as a numbered list, one whole question a line."
_SHOWN = Demonstration(
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
    examples=(_SHOWN,),
)
FEW_SHOT = Prompt(
    instructions="The answers to the questions before this one were found by a vote, and some may be wrong. Reason for "
    "yourself.",
    input="{problem}",
)


@technique(
    title="Federated self-consistency and chain of thought",
    authors="Liu et al.",
    year=2023,
    arxiv="2304.13911",
    calls="g + n * base + t",
    rounds="q + f * base + t",
    counts="g: calls for wordings that the pool does not have; n: wordings that are solved, the question itself among "
    "them; t: 1 where solved twins stand before the question, else 0; q: waves of the calls g, one for the twins and "
    "one for the question; f: 2 where twins are solved in vain and the question's wordings after them, else 1; and "
    "those of the base strategy",
    requires=("a pool of questions, else a rephraser",),
    use_when="many people ask nearly the same: the answer hangs on the wording, and the work is shared (GSM8K, SVAMP, "
    "GPT-3: 14 to 18 points over zero-shot chain of thought with the same numbers, 10 to 15 with others; second-hand)",
    avoid_when="questions are private, since the pool shows them to others; or the model rephrases badly: a wording "
    "that asks for something else votes for a wrong answer (only numbers, names, negations and the sides of "
    "comparisons are checked; arXiv 2304.13911)",
    aliases=("fed_sp_sc", "fed_dp_cot"),
)
class Federated(Strategy):
    """Solve the question in several wordings and vote; or put solved twins before it as demonstrations.

    `twins=0` is Fed-SP-SC: wordings with the same parameters (numbers and names) come from the pool, what is lacking
    from one call to the model; each is solved by the base strategy, and each distinct wording has one vote. `twins > 0`
    is Fed-DP-CoT: questions of the pool that differ in their parameters are solved in that way, those on whose answer
    at least two wordings agree become demonstrations, and the question is answered with them in view. Answers of twins
    never vote: they differ by right. Without usable twins it is Fed-SP-SC. A multiple choice is rephrased without its
    options, which stay as they are; like questions about a passage or a table, it has no twins in a pool of questions.

    Which question is whose wording is told by numbers (in digits or words), names, negations, the sides of comparisons
    and common words, where the paper's service would use embeddings. Where the call for wordings fails, those of the
    pool do. The demonstration is ours. How many wordings and twins the paper takes, and how hot, could not be verified.

    Args:
        base: solves each wording; the paper's is zero-shot chain of thought.
        pool: questions of others.
        paraphrases: wordings beside the question's own, at most.
        twins: solved twins, at most.
        alike: the share of common words, from 0 to 1, from which on two questions count as one.
        temperature: of the wordings' chains; None is the session's, so that only the wordings differ.
    """

    base: Strategy = ChainOfThought()  # a frozen value
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
            raise UsageError("federated(paraphrases=0): a twin counts where two wordings of it agree, so give it one")

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
        if self.twins and (examples := await self._solved_twins(problem, session)):
            solved = {one.input: one.output for one in examples}
            session.keep_partial(
                Unparsed("only its twins are solved", text=examples[-1].output, steps={"twins": solved})
            )
            with session.stage("answer"):
                prompt = self.few_shot.replace(examples=(*self.few_shot.examples, *examples))
                return problem.parse(await session.ask(prompt.render(problem)))
        return await self._pooled(problem, session)

    async def _pooled(self, problem: Problem, session: Session) -> Answer:
        """Fed-SP-SC: the answer on which the wordings agree."""
        wordings = [replace(problem, question=one) for one in await self._wordings(problem, session)]
        draws = await draw_samples(
            self.base, wordings, session, len(wordings), name="wording", temperature=self.temperature
        )
        answer = majority_answer(draws, problem)
        if answer.votes is not None:
            session.note(f"votes: {answer.votes}")
        return answer

    async def _wordings(self, problem: Problem, session: Session) -> list[str]:
        """The question, then its wordings in the pool, then those that the model makes."""
        question = problem.question
        found = [question, *paraphrases(question, self.pool, self.alike)][: self.paraphrases + 1]
        if lacking := self.paraphrases + 1 - len(found):
            with session.stage("rephrase"):
                turns = self.rephrase.render(problem, wanted=lacking)
                proposed = parse_items((await ask_or_skip(session, turns, "there are no new wordings")).text)
            known = set(map(normalize_question, found))
            fit = [one for one in proposed if same_parameters(one, question) and normalize_question(one) not in known][
                :lacking
            ]
            session.note(f"{len(fit)} of {len(proposed)} new wordings have the same numbers and names")
            found += fit
        return found

    async def _solved_twins(self, problem: Problem, session: Session) -> list[Demonstration]:
        """Fed-DP-CoT: twins with a chain that leads to the answer on which their wordings agree."""
        if problem.values()["problem"] != problem.question:
            return []
        known = analogues(problem.question, self.pool, self.alike, self.twins)
        posed = [replace(problem, question=one) for one in known]
        lanes = session.branches(len(posed), "twin") if posed else []
        answers = await gather([self._pooled(one, lane) for lane, one in zip(lanes, posed, strict=True)])
        agreed = [
            Demonstration(twin.question, append_answer(answer.text, answer.value, twin))
            for twin, answer in zip(posed, answers, strict=True)
            if isinstance(answer, Answered) and answer.votes and answer.votes.counts[0][1] > 1
        ]
        session.note(f"{len(agreed)} of {len(posed)} twins have an answer that wordings agree on")
        return agreed
