"""Maieutic prompting: explain a statement as true and as false, and take what is most consistent (Jung et al. 2022)."""

from __future__ import annotations

from contextlib import nullcontext
from math import ceil
from typing import ClassVar, Literal

from reasoning.answer import Answer
from reasoning.kinds import Choice, YesNo
from reasoning.kinds.label import Label
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.verification import maieutic_demonstrations as demonstrations
from reasoning.strategies.verification.beliefs import BeliefSource
from reasoning.strategies.verification.maieutic_growth import REDRAWS, Growth
from reasoning.strategies.verification.maieutic_tree import Decision, claims_of, conclude, decide, make_trees
from reasoning.strategies.verification.max_sat import check_solver
from reasoning.strategies.verification.relations import RELATE, ask_relations
from reasoning.strategy import Strategy, technique

STATE = Prompt(
    objective="Write the answer to a question as one sentence that makes sense without the question.",
    donts=("Do not judge whether the answer is right.", "Do not change names, numbers, or words such as all and only."),
    examples=demonstrations.STATEMENTS,
    input="{problem}\n\nAnswer: {claim}",
)
EXPLAIN = Prompt(
    objective="Finish the last sentence with one fact, in one sentence that makes sense by itself.",
    context="{passage}",
    examples=demonstrations.REASONS,
    input="Statement: {statement}\nThis statement is {label}, because",
)
NEGATE = Prompt(
    objective="Write the negation of a statement: one sentence that is true exactly if the statement is false.",
    examples=demonstrations.NEGATIONS,
    input="Statement: {statement}",
    recap="The statement is false. The negation:",
)
BELIEVE = Prompt(
    objective='Judge a statement: first one sentence with the reason, then "Therefore, the statement is true." or '
    '"Therefore, the statement is false."',
    context="{passage}",
    examples=demonstrations.VERDICTS,
    input="Statement: {statement}",
)


@technique(
    title="Maieutic prompting",
    authors="Jung et al.",
    year=2022,
    arxiv="2205.11822",
    calls="o + (o + n) * (1 + 2 * (belief_samples if belief == 'sampling' else 1)) + g + r",
    rounds="3 + 3 * l + d + q",
    counts="o: options of a choice, 1 for yes or no; n: explanations in the trees; g: explanations that were drawn; r: "
    "calls about relations; l: levels that were grown; d: rounds of redraws; q: rounds of calls about relations",
    kinds=(YesNo, Choice, Label),
    requires=("python-sat", "logprobs if belief == 'logprobs' and the model has them"),
    use_when="a model contradicts itself on claims of common sense or fact, and its explanations of both can be "
    "weighed (text-davinci-001, Com2Sense: 58.1 -> 72.5, CREAK: 60.3 -> 85.2, self-consistency 61.4 and 70.5)",
    avoid_when="calls are expensive (about 30 to 120 for one question, each of the options of a choice its own tree); "
    "the model already answers a statement and its negation with opposite verdicts, where the first verdict is the "
    "answer; or the model is small, since it judges the relations itself (the paper has a trained model of entailment; "
    "without it 65.6 instead of 72.5 on Com2Sense; arXiv 2205.11822)",
)
class Maieutic(Strategy):
    """Grow a tree of explanations for both labels of a statement, and choose the most consistent truth values.

    The question becomes a statement. It is integral, and answered, if the verdicts on it and on its
    negation are opposite. Otherwise the model explains why it is true and why it is false, and these
    explanations likewise if they are not integral. Paths to integral statements are kept. Weighted
    MAX-SAT finds the truth values that agree best with the beliefs in them and with the entailments
    and contradictions between all statements. The question's statement is one of the variables; the
    released code instead adds up its relations to the true ones. If its value changes nothing, the
    belief in it decides.

    A choice has a tree for each option. The option wins whose truth satisfies the largest share of
    its tree's weight more than its falsehood; an integral one counts with its belief. (The satisfied
    weight itself, which the paper suggests, grows with the tree.)

    The paper's verifier is a trained model of entailment; here the language model judges the
    relations, one premise and several sentences in a call. Each stage has four demonstrations (the
    paper six) as chat turns. Explanations that repeat others are drawn once more.

    Args:
        depth: the levels of explanations; a third brought nothing in the paper.
        width: the explanations of each label of the question's statement; below, there is one.
        belief: "logprobs" takes the probabilities of the words "true" and "false", or the verdict
            if the model gives none; "greedy" takes the verdict; "sampling" draws several.
        belief_samples: the verdicts that "sampling" draws.
        integrity: "labels" means opposite verdicts; "margin", as in the paper's code, that the
            probabilities differ by more than 0.45.
        temperature: temperature of the first explanations.
        deeper_temperature: temperature of the explanations below; the code has 0.5.
        pairs: maximum number of pairs in a call about relations.
        max_options: maximum number of options of a choice.
        max_tokens: maximum tokens of an explanation, a negation or a verdict; the paper has 64.

    Source:
        Jung et al. (2022), "Maieutic Prompting: Logically Consistent Reasoning with Recursive
        Explanations", arXiv 2205.11822.
    """

    depth: int = 2
    width: int = 3
    belief: BeliefSource = "logprobs"
    belief_samples: int = 5
    integrity: Literal["labels", "margin"] = "labels"
    temperature: float = 1.0
    deeper_temperature: float = 0.0
    pairs: int = 20
    max_options: int = 5
    max_tokens: int = 128
    state: Prompt = STATE
    explain: Prompt = EXPLAIN
    negate: Prompt = NEGATE
    believe: Prompt = BELIEVE
    relate: Prompt = RELATE

    prompt_includes_samples: ClassVar[bool] = True

    def __post_init__(self) -> None:
        least = dict.fromkeys(("depth", "width", "belief_samples", "pairs", "max_options", "max_tokens"), 1)
        self.check_parameters(**least, temperature=0, deeper_temperature=0)

    def calls_range(self) -> tuple[int, int]:
        judged = 1 + 2 * (self.belief_samples if self.belief == "sampling" else 1)
        first, nodes = 2 * self.width, 2 * self.width * (2**self.depth - 1)
        again = (first if self.temperature else 0) + (nodes - first if self.deeper_temperature else 0)
        related = 2 * (nodes + 1) * ceil(nodes / self.pairs)
        tree = 1 + (1 + nodes) * judged + nodes + again * REDRAWS + related
        return 1 + judged, self.max_options * tree

    def rounds_range(self) -> tuple[int, int]:
        again = (1 if self.temperature else 0) + (self.depth - 1 if self.deeper_temperature else 0)
        return 3, 3 + 3 * self.depth + again * REDRAWS + 2

    async def solve(self, problem: Problem, session: Session) -> Answer:
        check_solver()
        claims = claims_of(problem, self.max_options)
        growth = Growth(self.state, self.explain, self.negate, self.believe, self.belief, self.belief_samples,
                        self.integrity == "margin", self.max_tokens)  # fmt: skip
        with session.stage("question"):
            nodes = await growth.make_roots(problem, claims, session)
        session.keep_partial(conclude(claims, [Decision(root, 0.0) for root in nodes]))
        for level in range(1, self.depth + 1):
            if all(one.is_integral for one in nodes if one.level == level - 1):
                break
            with session.stage(f"level {level}"):
                width, temperature = (self.width, self.temperature) if level == 1 else (1, self.deeper_temperature)
                nodes += await growth.grow(nodes, level, width, temperature, problem, session)
        trees = make_trees(nodes)
        believed = [{index: one.believed for index, one in tree.items()} for tree in trees if len(tree) > 1]
        with session.stage("relations") if believed else nullcontext():
            relations = await ask_relations(believed, self.relate, self.pairs, session)
        decisions = [decide(tree, relations) for tree in trees]
        session.note("\n\n".join(map(str, decisions)))
        return conclude(claims, decisions)
