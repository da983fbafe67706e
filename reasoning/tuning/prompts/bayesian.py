"""Instructions × demonstrations by Bayesian search (MIPRO), with the sampler TPE of optuna.

A model proposes texts for each part, and bootstrap makes sets of demonstrations for each prompt. The sampler chooses
one of each; the value of a choice is its estimated score on the selection pool. Races take the place of the paper's
random minibatches and its full evaluations.

Source: Opsahl-Ong et al. (2024), "Optimizing Instructions and Demonstrations for Multi-Stage Language Model
Programs", arXiv 2406.11695, §3; Bergstra et al. (2011), NeurIPS 24, for the sampler.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reasoning.errors import MissingExtra
from reasoning.prompts import Demonstration
from reasoning.tables import pluralize
from reasoning.tuning.prompts.bootstrap import demonstration_sets
from reasoning.tuning.prompts.instructions import propose_texts
from reasoning.tuning.prompts.optimizer import Workbench
from reasoning.tuning.prompts.parts import ORIGINAL, Candidate

TEXTS, SETS = 5, 6
"""The number of proposals for each part and of sets of demonstrations: those of the paper's program in its mode
"light", where six of each with the original."""
MIN_TEXTS, MAX_PROPOSALS = 2, 24
"""With many parts, each gets fewer proposals, but at least two."""
MAX_REPEATS = 30
"""The number of choices in a row that were raced before, after which the search ends: no other one is likely."""


@dataclass(frozen=True)
class Bayesian:
    """Bayesian search over proposed texts and sets of demonstrations."""

    def run(self, bench: Workbench) -> None:
        optuna = _import()
        demonstrations: dict[str, list[tuple[Demonstration, ...] | None]] = {}
        for _, found in demonstration_sets(bench, SETS):
            for name, demos in found.items():
                demonstrations.setdefault(name, [None]).append(demos)
        # A chain may have a dozen parts, and a model writes each proposal.
        number = min(TEXTS, max(MIN_TEXTS, MAX_PROPOSALS // max(1, len(bench.tunable.texts))))
        texts = {part.name: [part.text, *propose_texts(bench, part, number)] for part in bench.tunable.texts}
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = optuna.samplers.TPESampler(seed=bench.seed, multivariate=True)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        choices = {**{name: len(known) for name, known in texts.items()}}
        choices |= {f"{name} demonstrations": len(known) for name, known in demonstrations.items()}
        space = {name: optuna.distributions.CategoricalDistribution(range(n)) for name, n in choices.items() if n > 1}
        if not space:
            bench.note("there is nothing to choose: no proposal can be used, and no train example is solved")
            return
        raced = {ORIGINAL.key}
        bench.race(ORIGINAL)
        repeats = 0
        while repeats < MAX_REPEATS:
            trial = study.ask(space)
            candidate = _candidate(trial.params, texts, demonstrations)
            repeats = repeats + 1 if candidate.key in raced else 0
            raced.add(candidate.key)
            bench.race(candidate)
            study.tell(trial, bench.estimate(candidate))


def _candidate(
    params: dict[str, int],
    texts: dict[str, list[str]],
    demonstrations: dict[str, list[tuple[Demonstration, ...] | None]],
) -> Candidate:
    new_texts = {name: known[chosen] for name, known in texts.items() if (chosen := params.get(name, 0))}
    shown = {name: known[params.get(f"{name} demonstrations", 0)] for name, known in demonstrations.items()}
    counts = {"proposed text": len(new_texts), "demonstration": sum(len(demos or ()) for demos in shown.values())}
    origin = ", ".join(pluralize(count, noun) for noun, count in counts.items() if count) or "original"
    return Candidate(new_texts, {name: demos for name, demos in shown.items() if demos is not None}, origin)


def _import() -> Any:
    try:
        import optuna
    except ImportError:
        raise MissingExtra("the method 'bayesian'", "prompt-tuning", "optuna") from None
    return optuna
