"""Chain of symbol: spatial reasoning in symbols instead of sentences (Hu et al. 2023, arXiv 2305.10276)."""

from __future__ import annotations

from reasoning.answer import Answer
from reasoning.kinds import Cells, Items
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.session import Session
from reasoning.strategies.demonstrations import (
    SHIPPED_KINDS,
    DemonstrationPool,
    DemonstrationSource,
    WorkedExample,
    with_examples,
)
from reasoning.strategy import Strategy, technique
from reasoning.token_estimate import estimate_tokens

SYMBOLS = Prompt(
    objective="Work the answer out in symbols, not in sentences. Keep the names of the things and leave every other "
    "word out.",
    context="The symbols:\n"
    "A//B: B lies on top of A, so that a pile is read from the bottom on the left to the top on the right\n"
    "A < B: A is left of B\n"
    "A -> B: the way, the look or the move goes from A to B; what it takes stands behind it: A -> B (5)\n"
    "A[B]: B is in A\n"
    "(a, b): one thing with these properties, or a place in row a, counted from the top, and column b\n"
    "N, E, S, W: north, east, south, west",
    input="{problem}",
    recap="Symbols first, then the answer. {instruction}",
)


def in_symbols(example: WorkedExample) -> Demonstration | None:
    """Show a question, its chain of symbols and its answer, in the form that every kind parses first."""
    if not example.symbols:
        return None
    return Demonstration(example.question, f"The answer is {example.answer}.", example.symbols)


@technique(
    title="Chain of symbol",
    authors="Hu et al.",
    year=2023,
    arxiv="2305.10276",
    calls="1",
    rounds="1",
    default_kinds=(*SHIPPED_KINDS, Items, Cells),
    requires=("demonstrations",),
    use_when="the question is spatial: piles, rows, routes, nested boxes (brick world, ChatGPT: 92.6 at "
    "best against 31.8 with chain of thought, with a third of the tokens)",
    avoid_when="nothing is spatial; or the demonstrations are from another domain than the question: results vary "
    "between sets of demonstrations, 62.6 to 74.4 on bricks shuffled in both ways (outputs released with the paper)",
    aliases=("cos",),
)
class ChainOfSymbol(Strategy):
    """Show worked examples whose reasoning is a chain of symbols, and let the model write one.

    The legend defines each symbol and its direction. The paper has none, since its demonstrations
    are of one task only. The demonstrations have answers of the problem's kind, in its form: names
    for a text, the same with the kind's separator for items, and further questions for numbers,
    options, and yes or no. None are shipped for other kinds. They end with "The answer is …", which
    every kind parses; the paper's closing sentence is "so we get the result as …".

    For another domain (orders in time, kinship), give `demonstrations` with `symbols`, and a
    `prompt` with their legend. Under self-consistency the choice of demonstrations matters less.
    Replies have the usual token limit (2,048 in the paper).

    Source:
        Hu et al. (2023), "Chain-of-Symbol Prompting Elicits Planning in Large Language Models",
        arXiv 2305.10276.
    """

    shots: int = 5
    demonstrations: DemonstrationSource = "spatial"
    prompt: Prompt = SYMBOLS

    def __post_init__(self) -> None:
        self.check_parameters(shots=1)

    @property
    def saving(self) -> str:
        """The tokens that the demonstrations save, in words: their reasoning in symbols and in sentences, estimated.

        Empty if they save nothing, or if the prompt has its own examples.
        """
        pool = DemonstrationPool.from_source(self.demonstrations).ranked(Problem(""))
        pairs = [(example.symbols, example.rationale) for example in pool if example.symbols and example.rationale][
            : self.shots
        ]
        symbols, sentences = (sum(map(estimate_tokens, texts)) for texts in zip(*pairs or [("", "")], strict=True))
        if self.prompt.examples or symbols >= sentences:
            return ""
        return (
            f"the reasoning of {len(pairs)} examples takes about {symbols} tokens in symbols and {sentences} in "
            f"sentences, {100 * (1 - symbols / sentences):.0f} % fewer (in the paper 65.8 %); the legend takes about "
            f"{estimate_tokens(self.prompt.context)}, once a prompt (all estimated from words and signs)"
        )

    async def solve(self, problem: Problem, session: Session) -> Answer:
        prompt = with_examples(self.prompt, problem, self.shots, in_symbols, self.demonstrations)
        return problem.parse(await session.ask(prompt.render(problem)))
