"""Three-hop reasoning for implicit sentiment: aspect, opinion, polarity (THOR; Fei et al. 2023, arXiv 2305.11255)."""

from __future__ import annotations

from dataclasses import replace

from reasoning.answer import Answer, Answered, Failed
from reasoning.kinds import Choice, Text
from reasoning.kinds.label import Label
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.domain.hops import Hop, reply_texts, run_hops
from reasoning.strategies.reply_parsing import ask_or_skip
from reasoning.strategy import Strategy, technique

OPINIONS = Label(("good", "bad", "neutral"))
ASPECT = Prompt(
    persona="You know how people say what they feel without naming it.",
    input="The sentence: {sentence}\n\nWhich specific aspect of {target} may the sentence be about?",
    recap="Say in a sentence or two how you tell. Then name the aspect in one to three words. {instruction}",
)
OPINION = ASPECT.replace(
    input="The sentence: {sentence}\n\nThe aspect of {target}:\n{aspect}\n\nGoing by common sense, what opinion of this "
    "aspect does the sentence imply, and why?",
    recap=f"Say it in a sentence or two. Then sum the opinion up in one word. {OPINIONS.instruction()}",
)
POLARITY = ASPECT.replace(
    input="The sentence: {sentence}\n\nThe aspect of {target}:\n{aspect}\n\nThe opinion of it:\n{opinion}\n\nGiven this "
    "opinion, what is the sentiment towards {target}?\n{options}",
    recap="Say in a sentence why. {instruction}",
)
LABEL = Prompt(
    input="Somebody describes the sentiment of a sentence towards {target}:\n{polarity}\n\nWhich is it?\n{options}",
    recap="{direct_instruction}",
)


@technique(
    title="Three-hop reasoning",
    authors="Fei et al.",
    year=2023,
    arxiv="2305.11255",
    calls="3 * samples + 1",
    rounds="4",
    kinds=(Label, Choice),
    requires=("sampling if samples > 1", "a target in the problem's inputs"),
    use_when="a feeling is implied and not spoken out, and the model is large (GPT-3 175B, zero-shot: F1 of 82.0 on "
    "restaurants and 76.0 on laptops; Flan-T5-11B asked at once 57.1 and 54.1)",
    avoid_when="the feeling is in the words, so that one call reads it; or the model is small (Flan-T5-11B, zero-shot: "
    "three to five points for four calls and more; arXiv 2305.11255)",
    aliases=("thor",),
)
class ThreeHop(Strategy):
    """Infer the aspect that a sentence is about, the opinion of it, the sentiment; then reduce that to a label.

    The sentence is the problem's context, or else its question; the target is `inputs["target"]`, else "its subject".
    At each hop several replies are drawn, the vote is over the tags that they end with, and the next hop reads the
    first reply that has the winning tag. The paper's code goes on in one conversation, too; here what was said is only
    repeated. It gives no number of samples; with `samples=1` there is no vote. A last reply that holds no label, or
    fails, leaves it to the vote of the third hop; without that there is no answer: the paper's code says neutral. Where
    the third hop says nothing, no label is asked for. The paper's supervised form, with training, is left out.

    Args:
        samples: replies at each hop.
    """

    samples: int = 5
    temperature: float = 0.7
    aspect: Prompt = ASPECT
    opinion: Prompt = OPINION
    polarity: Prompt = POLARITY
    label: Prompt = LABEL

    def __post_init__(self) -> None:
        self.check_parameters(samples=1, temperature=0)

    def calls_range(self) -> tuple[int, int]:
        return 3 * self.samples + 1, 3 * self.samples + 1

    async def solve(self, problem: Problem, session: Session) -> Answer:
        told = {name: text for name, text in problem.inputs.items() if text.strip()}
        given = {"sentence": problem.context or problem.question, "target": "its subject", **told}
        given["options"] = problem.values()["options"]  # each hop has another kind, and so other options
        problem = replace(problem, inputs=given)
        hops = (
            Hop("aspect", self.aspect, Text()),
            Hop("opinion", self.opinion, OPINIONS),
            Hop("polarity", self.polarity, problem.kind),
        )
        found = await run_hops(hops, problem, session, samples=self.samples, temperature=self.temperature)
        *_, last = found.values()
        if isinstance(last, Failed) or not last.text.strip():
            return replace(last, steps=reply_texts(found))
        with session.stage("label"):
            turns = self.label.render(problem, polarity=last.text)
            reply = await ask_or_skip(session, turns, "there is no label", temperature=0, max_tokens=32)
        answer = reply if isinstance(reply, Failed) else problem.parse(reply)
        if not isinstance(answer, Answered) and isinstance(last, Answered):
            session.note(f"there is no label ({answer.reason}): the vote of the third hop decides")
            answer = last
        sure = last.confidence if answer.value is not None and answer.value == last.value else None
        return replace(answer, votes=last.votes, confidence=sure, steps=reply_texts(found))
