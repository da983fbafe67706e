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
    use_when="a sentiment is implied but not stated, and the model is large (GPT-3 175B, zero-shot: F1 of 82.0 on "
    "restaurants and 76.0 on laptops; Flan-T5-11B asked directly 57.1 and 54.1)",
    avoid_when="the sentiment is explicit, so that one call is enough; or the model is small (Flan-T5-11B, zero-shot: "
    "three to five points for at least four calls; arXiv 2305.11255)",
    aliases=("thor",),
)
class ThreeHop(Strategy):
    """Infer the aspect of a sentence, the opinion of the aspect and the sentiment; then reduce it to a label.

    The sentence is the problem's context, or else its question; the target is `inputs["target"]`,
    or else "its subject". At each hop several replies are drawn and vote by the tags that they end
    with; the next hop reads the first reply with the winning tag. In the paper's code all hops
    share one conversation; here each hop repeats the earlier replies. The paper gives no number of
    samples; with `samples=1` there is no vote. If the last reply has no label or fails, the vote of
    the third hop decides; without one there is no answer, where the paper's code says neutral. If
    the third hop is empty, no label is asked for. The paper's supervised form, with training, is
    not offered.

    Args:
        samples: number of replies at each hop.
        label_tokens: maximum tokens of the last reply, which is a label.

    Source:
        Fei et al. (2023), "Reasoning Implicit Sentiment with Chain-of-Thought Prompting", arXiv
        2305.11255.
    """

    samples: int = 5
    temperature: float = 0.7
    label_tokens: int = 32
    aspect: Prompt = ASPECT
    opinion: Prompt = OPINION
    polarity: Prompt = POLARITY
    label: Prompt = LABEL

    @property
    def free_text_prompts(self) -> frozenset[str]:
        return frozenset(["aspect", "polarity"])

    def __post_init__(self) -> None:
        self.check_parameters(samples=1, temperature=0, label_tokens=1)

    def calls_range(self) -> tuple[int, int]:
        return 3 * self.samples + 1, 3 * self.samples + 1

    async def solve(self, problem: Problem, session: Session) -> Answer:
        stated = {name: text for name, text in problem.inputs.items() if text.strip()}
        inputs = {"sentence": problem.context or problem.question, "target": "its subject", **stated}
        # Each hop has its own kind, which would show other options.
        inputs["options"] = problem.values()["options"]
        problem = replace(problem, inputs=inputs)
        hops = (
            Hop("aspect", self.aspect, Text()),
            Hop("opinion", self.opinion, OPINIONS),
            Hop("polarity", self.polarity, problem.kind),
        )
        answers = await run_hops(hops, problem, session, samples=self.samples, temperature=self.temperature)
        *_, last = answers.values()
        if isinstance(last, Failed) or not last.text.strip():
            return replace(last, steps=reply_texts(answers))
        with session.stage("label"):
            turns = self.label.render(problem, polarity=last.text)
            reply = await ask_or_skip(session, turns, "there is no label", temperature=0, max_tokens=self.label_tokens)
        answer = reply if isinstance(reply, Failed) else problem.parse(reply)
        if not isinstance(answer, Answered) and isinstance(last, Answered):
            session.note(f"there is no label ({answer.reason}): the vote of the third hop decides")
            answer = last
        confidence = last.confidence if answer.value is not None and answer.value == last.value else None
        return replace(answer, votes=last.votes, confidence=confidence, steps=reply_texts(answers))
