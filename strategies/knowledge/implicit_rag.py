"""Implicit RAG: quote what matters from the context, then answer from it (Vatsal & Singh 2024, arXiv 2405.18682)."""

from __future__ import annotations

from dataclasses import replace

from reasoning.answer import Answer, Answered, Failed, Unparsed
from reasoning.messages import Completion
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.knowledge.quotations import find_in_context, parse_answer_part, parse_sections
from reasoning.strategies.reply_parsing import ask_or_skip, continue_with
from reasoning.strategy import Strategy, technique

QUOTE = Prompt(
    objective="Find the sections of the text that matter for the question, then answer the question from them.",
    instructions="Copy at most {sections} sections, each at most {words} words long, letter by letter from the text. "
    "They come first; the answer comes after them and uses nothing else.",
    output_format="Section 1: …\nSection 2: …\nAnswer: …",
    input="{problem}",
    recap="For the line Answer: {direct_instruction}\n\nBefore that line come the sections. So begin with Section 1: "
    "and what you copy from the text, and end with one line that begins with Answer:",
)
AGAIN = Prompt(
    input="None of these sections stands in the text in at most {words} words. Copy them letter by letter, then "
    "answer, in the same form."
)


@technique(
    name="implicit_rag",
    title="Implicit retrieval-augmented generation",
    authors="Vatsal & Singh",
    year=2024,
    arxiv="2405.18682",
    calls="1 + r",
    rounds="1 + r",
    counts="r: 1 where no section stands in the context and the reply is asked for again, else 0",
    requires=("context",),
    use_when="the context is long and what matters stands in a few places: the best or second best of the prompts that "
    "the paper compares on four biomedical reading sets, with no index to build",
    avoid_when="the evidence is spread over the whole text, or the context is so short that quoting copies it; its "
    "results are for GPT on medical texts (arXiv 2405.18682), and models paraphrase where they should quote",
    aliases=("irag",),
)
class ImplicitRAG(Strategy):
    """Quote the sections that matter, then answer from them, in one reply.

    A quotation counts if it stands in the context (in the question, where there is no context) but for spaces and case;
    others, and those that are too long, are dropped with a note. Those that count are in `Answer.steps["sections"]`, as
    the context has them, and their share is the confidence. Where none counts, the reply is asked for once more (the
    paper does not); the second answer is taken, or the first where there is no second one; without sections with
    confidence 0, also from a reply that is nothing but an answer. The paper tunes both numbers for each data set and
    gives no default; these are ours. Lines with labels replace its fields: quotations break JSON.

    Args:
        sections: quotations, at most.
        words: of each quotation, at most; words are what stands between spaces.
    """

    sections: int = 3
    words: int = 100
    quote: Prompt = QUOTE
    again: Prompt = AGAIN

    def __post_init__(self) -> None:
        self.check_parameters(sections=1, words=1)

    def calls_range(self) -> tuple[int, int]:
        return 1, 2

    def rounds_range(self) -> tuple[int, int]:
        return self.calls_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        turns = self.quote.render(problem, sections=self.sections, words=self.words)
        with session.stage("quote and answer"):
            reply = await session.ask(turns)
        answer = self._read(problem, reply, session)
        if not answer.steps["sections"]:
            session.keep_partial(answer)
            with session.stage("quote again"):
                turns = continue_with(turns, reply.text, self.again, words=self.words)
                again = await ask_or_skip(session, turns, "the answer is taken as it is")
            if not isinstance(again, Failed):
                second = self._read(problem, again, session)
                labelled = parse_answer_part(again.text) is not None or parse_answer_part(reply.text) is None
                if not isinstance(answer, Answered) or (isinstance(second, Answered) and labelled):
                    return second
        return answer

    def _read(self, problem: Problem, reply: Completion, session: Session) -> Answer:
        said, kept = self._checked(problem, reply.text, session)
        steps = {"sections": tuple(kept)}
        last = parse_answer_part(reply.text)
        if last is not None or not said:
            answer = problem.parse(reply if last is None else replace(reply, text=last), after="Answer:")
        elif not (isinstance(answer := problem.parse(reply), Answered) and answer.is_stated):
            return Unparsed("the reply has no part Answer:", text=reply.text, steps=steps)
        return replace(answer, text=reply.text, steps=steps, confidence=len(kept) / said if said else 0.0)

    def _checked(self, problem: Problem, text: str, session: Session) -> tuple[int, list[str]]:
        """How many sections a reply quotes, and those that stand in the context and are not too long."""
        sections = parse_sections(text)[: self.sections]
        context = problem.context or problem.question
        kept = []
        for section in sections:
            if (words := len(section.split())) > self.words:
                session.note(f"dropped, since it has {words} words and not {self.words}: {section[:200]}")
            elif (place := find_in_context(section, context)) is None:
                session.note(f"dropped, since it does not stand in the context: {section[:200]}")
            else:
                kept.append(place)
        return len(sections), kept
