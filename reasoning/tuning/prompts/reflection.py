"""Instructions by reflection (GEPA): the library `gepa`, with the evaluations, budget and journal of the search.

The library chooses parents from its Pareto front, parts in turn and minibatches of the train pool, and lets a model
rewrite a text from inputs, replies and feedback. Its evaluations on the selection pool are the races of the search: a
candidate that a race has stopped counts as wrong on the examples that it did not see, so it is no parent there.

Source: Agrawal et al. (2025), "GEPA: Reflective Prompt Evolution Can Outperform Reinforcement Learning", arXiv
2507.19457.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reasoning.errors import MissingExtra, ReasoningError, UsageError
from reasoning.tables import pluralize
from reasoning.tuning.prompts.evaluation import Evaluation
from reasoning.tuning.prompts.instructions import strip_fence
from reasoning.tuning.prompts.optimizer import Workbench
from reasoning.tuning.prompts.parts import Candidate, RejectedText
from reasoning.tuning.prompts.pools import Item

ITERATIONS = 60
"""The most iterations. Where every minibatch is solved, the library would go on without a call."""
MINIBATCH = 3
"""The number of train examples of one reflection, as in the paper."""


@dataclass(frozen=True)
class Reflection:
    """Rewriting of texts by reflection on feedback."""

    def run(self, bench: Workbench) -> None:
        gepa = _import()
        if not bench.tunable.texts:
            raise UsageError("reflection changes texts, and no text may change; name a text by --part")
        adapter = _Adapter(bench)
        gepa.optimize(
            seed_candidate={part.name: part.text for part in bench.tunable.texts},
            trainset=list(bench.train),
            valset=list(bench.selection),
            adapter=adapter,
            reflection_lm=adapter.reflect,
            reflection_minibatch_size=min(MINIBATCH, len(bench.train)),
            stop_callbacks=adapter.should_stop,
            logger=_Silence(),
            seed=bench.seed,
        )
        if adapter.error is not None:
            raise adapter.error
        proposed = pluralize(adapter.proposed, "text")
        bench.note(
            f"{proposed} proposed; a text is raced if it solves more of its train examples than the one before it"
            if adapter.proposed
            else "no text was proposed: every iteration had solved train examples alone"
        )


@dataclass
class _Adapter:
    """The adapter by which the library evaluates candidates and asks for texts."""

    bench: Workbench
    error: ReasoningError | None = None
    proposed: int = 0
    propose_new_texts: None = None

    def evaluate(self, batch: list[Item], candidate: dict[str, str], capture_traces: bool = False) -> Any:
        from gepa.core.adapter import EvaluationBatch

        found = self._evaluate(batch, self._candidate(candidate))
        scores = [0.0 if one is None or one.score is None else one.score for one in found]
        return EvaluationBatch([one.answer if one else "" for one in found], scores, found if capture_traces else None)

    def _evaluate(self, batch: list[Item], candidate: Candidate | None) -> Sequence[Evaluation | None]:
        if candidate is None:
            return [None] * len(batch)
        selection = {item.id for item in self.bench.selection}
        if all(item.id in selection for item in batch):
            self.bench.race(candidate)
            # A winner may have won early. As a parent it needs the other examples, too; a second call evaluates them.
            by_id = {one.item.id: one for one in self.bench.race(candidate)}
            return [by_id.get(item.id) for item in batch]
        return self.bench.evaluate(candidate, batch)

    def _candidate(self, texts: dict[str, str]) -> Candidate | None:
        """Return the candidate of raw texts; None if one of them cannot be used."""
        new: dict[str, str] = {}
        for name, text in texts.items():
            part = self.bench.tunable.part(name)
            if text == part.text:
                continue
            try:
                new[name] = part.check(strip_fence(text))
            except RejectedText as error:
                self.bench.note(f"a proposal was rejected: {error}")
                return None
        return Candidate(new, origin="reflection" if new else "original")

    def make_reflective_dataset(
        self, candidate: dict[str, str], eval_batch: Any, components_to_update: list[str]
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return {
            name: [self._record(name, one) for one in eval_batch.trajectories if one is not None]
            for name in components_to_update
        }

    def _record(self, name: str, evaluation: Evaluation) -> dict[str, str]:
        """Return what a model reads about one example: the input and the reply of the prompt with the part."""
        prompt = self.bench.tunable.part(name)
        owner = prompt.prompt
        inputs, replies = evaluation.item.text, evaluation.answer
        for call in evaluation.trace.calls() if evaluation.trace else ():
            fill = next((one for one in evaluation.fills if one.messages == call.messages), None)
            if fill is not None and (fill.name == owner or not prompt.section) and call.completions:
                inputs, replies = fill.input, call.completions[0].text
                break
        return {"Inputs": inputs, "Generated Outputs": replies, "Feedback": evaluation.feedback}

    def reflect(self, prompt: str | list[dict[str, Any]]) -> str:
        if self.error is not None:
            raise self.error
        try:
            # The library sends turns instead of a text only with images.
            reply = self.bench.ask(str(prompt))
        except ReasoningError as error:
            # The library would log the error, ask again, and go on.
            self.error = error
            raise
        self.proposed += 1
        return reply

    def should_stop(self, state: Any) -> bool:
        return self.error is not None or state.i >= ITERATIONS


class _Silence:
    """A logger that prints nothing."""

    def log(self, message: str) -> None:
        """Drop a message."""


def _import() -> Any:
    try:
        import gepa
    except ImportError:
        raise MissingExtra("the method 'reflection'", "prompt-tuning", "gepa") from None
    return gepa
