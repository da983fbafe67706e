"""The tree of maieutic prompting: statements with the model's beliefs, and the truth values that fit best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from reasoning.answer import Answer, Answered, Unparsed
from reasoning.errors import UsageError
from reasoning.kinds import Choice, YesNo
from reasoning.kinds.label import Label
from reasoning.problem import Problem
from reasoning.strategies.verification.max_sat import Clause, solve_max_sat
from reasoning.strategies.verification.relations import Pair, Relation

MARGIN = 0.45
"""The difference of the two beliefs above which the paper's code calls a statement integral."""


class Claim(NamedTuple):
    """An answer whose truth a tree decides.

    Attributes:
        value: the answer's value.
        text: the answer as it is shown to the model.
    """

    value: Any
    text: str


def claims_of(problem: Problem, max_options: int) -> list[Claim]:
    """Return the answers to judge: "yes" for a question of yes or no, else each option.

    Raises:
        UsageError: there are more options than `max_options`.
    """
    kind = problem.kind
    if isinstance(kind, YesNo):
        return [Claim(True, "yes")]
    assert isinstance(kind, Choice | Label)
    options = kind.options if isinstance(kind, Label) else kind.labels
    if len(options) > max_options:
        raise UsageError(f"maieutic builds a tree for each of at most {max_options} options, got {len(options)}")
    texts = dict(zip(options, kind.options, strict=True)) if kind.options else {}
    return [Claim(value, str(texts.get(value, value))) for value in options]


@dataclass(frozen=True, eq=False)
class Proposition:
    """A statement of a tree.

    Attributes:
        statement, negation: the statement and its negation.
        belief, opposite: the probabilities of "true" for the statement and for its negation; None if
            a reply states no verdict.
        is_integral: whether the model's verdicts on the two fit together.
        parent: the proposition that it explains; None for the root.
    """

    statement: str
    negation: str
    belief: float | None
    opposite: float | None
    is_integral: bool
    parent: Proposition | None = None

    @classmethod
    def judged(
        cls,
        statement: str,
        negation: str,
        belief: float | None,
        opposite: float | None,
        by_margin: bool,
        parent: Proposition | None,
    ) -> Proposition:
        """Make a proposition, and decide whether it is integral.

        It is if the verdicts on the statement and its negation are opposite; by margin, if the
        probabilities differ by more than 0.45. It is not if a probability is missing.
        """
        integral = False
        if belief is not None and opposite is not None:
            opposed = (belief - 0.5) * (opposite - 0.5) < 0
            integral = abs(belief - opposite) > MARGIN if by_margin else opposed
        return cls(statement, negation, belief, opposite, integral, parent)

    @property
    def path(self) -> Iterator[Proposition]:
        """The proposition and those that it explains, up to the root."""
        node: Proposition | None = self
        while node is not None:
            yield node
            node = node.parent

    @property
    def level(self) -> int:
        """The number of propositions above it: 0 for a root."""
        return len(list(self.path)) - 1

    @property
    def root(self) -> Proposition:
        """The statement of the question in whose tree it is."""
        *_, root = self.path
        return root

    @property
    def weight(self) -> float:
        """The belief weight, from -1 (false) to 1 (true): (p - q) / (p + q), with the two beliefs p and q."""
        if self.belief is None or self.opposite is None or not self.belief + self.opposite:
            return 0.0
        return (self.belief - self.opposite) / (self.belief + self.opposite)

    @property
    def believed(self) -> str:
        """The statement, or its negation if that is believed more; a root's statement."""
        return self.negation if self.weight < 0 and self.parent else self.statement

    def __str__(self) -> str:
        beliefs = ("unknown" if value is None else f"{value:.2f}" for value in (self.belief, self.opposite))
        integral = "integral" if self.is_integral else "not integral"
        return f"{self.statement} (true {' and its negation '.join(beliefs)}: {integral})"


def make_trees(propositions: Sequence[Proposition]) -> list[dict[int, Proposition]]:
    """Return the tree of each root, pruned, by indexes that count through all trees; the root is first."""
    trees: list[dict[int, Proposition]] = []
    for root in (one for one in propositions if one.parent is None):
        kept = [root, *prune([one for one in propositions if one.root is root])]
        trees.append(dict(enumerate(kept, sum(map(len, trees)))))
    return trees


def prune(propositions: Sequence[Proposition]) -> list[Proposition]:
    """Return the propositions on a path to an integral one, without the root, in their order."""
    kept = {id(node) for proposition in propositions if proposition.is_integral for node in proposition.path}
    return [proposition for proposition in propositions if id(proposition) in kept and proposition.parent is not None]


class Decision(NamedTuple):
    """The decision on the root of a tree.

    Attributes:
        root: the root.
        share: the weight of the clauses that the root's being true satisfies more than its being
            false, as a share of all weight: from -1 (false) to 1 (true).
        true: the other statements that are true in the better assignment.
    """

    root: Proposition
    share: float
    true: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"Q: {self.root}", *(f"true: {statement}" for statement in self.true)]
        return "\n".join([*lines, f"share of the weight for Q being true rather than false: {self.share:+.2f}"])

    @property
    def rank(self) -> tuple[float, float]:
        """The share, and the belief in the root, which decides where the share is 0."""
        return self.share, self.root.weight


def decide(tree: Mapping[int, Proposition], relations: Mapping[Pair, Relation]) -> Decision:
    """Decide the root by weighted MAX-SAT, in which it is a variable without a clause of its own.

    An integral root is decided by the beliefs in it.

    Args:
        tree: the propositions by their indexes, the root first. Of the others the believed
            statement is the variable.
        relations: the relations between the statements, by the same indexes.

    Source:
        Jung et al. (2022), arXiv 2205.11822, §3.3. All relations have the weight 1, which was
        better than the probability of the relation.
    """
    (root_index, root), *others = tree.items()
    if root.is_integral:
        return Decision(root, root.weight)
    clauses = [Clause((index + 1,), abs(one.weight)) for index, one in others if one.is_integral]
    for (premise, hypothesis), relation in relations.items():
        if relation != "neutral" and premise in tree and hypothesis in tree:
            sign = 1 if relation == "entailment" else -1
            clauses.append(Clause((-premise - 1, sign * (hypothesis + 1)), 1.0))
    as_true, as_false = (solve_max_sat(clauses, [sign * (root_index + 1)]) for sign in (1, -1))
    total = sum(clause.weight for clause in clauses)
    best = as_true if as_true.lost <= as_false.lost else as_false
    true = tuple(one.believed for index, one in others if index + 1 in best.true)
    return Decision(root, (as_false.lost - as_true.lost) / total if total else 0.0, true)


def conclude(claims: Sequence[Claim], decisions: Sequence[Decision]) -> Answer:
    """Return the answer: yes or no by the only decision, or the option with the best one.

    It is Unparsed if nothing decides: the model states no belief in the roots, and neither do
    relations.
    """
    best = max(range(len(claims)), key=lambda index: decisions[index].rank)
    steps = {
        "statements": tuple(decision.root.statement for decision in decisions),
        "shares": tuple(round(decision.share, 3) for decision in decisions),
        "true": decisions[best].true,
    }
    text = "\n\n".join(map(str, decisions))
    if not any(any(decision.rank) for decision in decisions):
        return Unparsed("neither beliefs nor explanations decide", text=text, steps=steps)
    value = claims[0].value is (decisions[0].rank > (0, 0)) if len(claims) == 1 else claims[best].value
    rule = "verdict" if decisions[best].root.is_integral else "weighted MAX-SAT"
    return Answered(value, text=text, steps=steps, rule=rule)
