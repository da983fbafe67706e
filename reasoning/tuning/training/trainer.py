"""The loop that trains: AdamW, a learning rate that warms up, stays and decays, held-out scores, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from reasoning.errors import UsageError
from reasoning.tuning.training.batches import make_batch, order
from reasoning.tuning.training.checkpoints import load_checkpoint, save_checkpoint
from reasoning.tuning.training.forward import Prefix, ReplyModel
from reasoning.tuning.training.methods import Setting
from reasoning.tuning.training.preparation import trained_parameters
from reasoning.tuning.training.tokens import TokenizedExample

_CLIP = 1.0
"""The largest norm of all gradients together; longer ones are shortened."""
_EVALUATIONS = 8
"""The number of evaluations on held-out examples during a training, besides those before and after it."""
_EVALUATION_SHARE = 0.1
"""The largest share of the time that these take if the length is a time; of a number of steps, all are made."""
_TIMED_WARMUP = 5
"""The steps in which the learning rate rises if the number of steps is not known."""
_SAVE_SECONDS = 10.0
"""The least seconds between two checkpoints."""
_SAVE_SHARE = 0.05
"""The largest share of the time that writing checkpoints takes."""

Report = Callable[[Mapping[str, Any]], object]
"""Receives what happened: a line of the log with the share of the training that is done."""


@dataclass(frozen=True)
class Plan:
    """The length and the settings of a training.

    Attributes:
        settings: all settings of the method.
        seed: the seed of the order of examples and of dropout.
        steps: the number of steps; None if the time decides.
        seconds: the time; None if the steps decide.
    """

    settings: Mapping[str, Setting]
    seed: int = 0
    steps: int | None = None
    seconds: float | None = None

    @property
    def step_examples(self) -> int:
        """The number of examples of a step."""
        return int(self.settings["batch"]) * int(self.settings["accumulate"])


class Trainer:
    """A training in progress.

    Args:
        model: the model with its trained parts.
        train, held_out: the examples.
        plan: the length and the settings.
        prefix: the frozen begin of all prompts; None for whole prompts.
        skip: the number of its tokens.
        report: receives each line of the log.
        checkpoints: the folder of checkpoints; None keeps none.

    Attributes:
        model: the model with its trained parts.
        reply: its forward pass.
        parameters: the parameters that are trained, by name.
        step: the number of steps that are done.
        log: the lines of the log: those of steps, and those of evaluations, which have "held_out_loss".
    """

    def __init__(
        self,
        model: Any,
        train: Sequence[TokenizedExample],
        held_out: Sequence[TokenizedExample],
        plan: Plan,
        *,
        prefix: Prefix | None = None,
        skip: int = 0,
        report: Report = lambda line: None,
        checkpoints: Path | None = None,
    ) -> None:
        self.model, self.reply = model, ReplyModel(model, prefix, str(plan.settings["precision"]))
        self._train, self._held_out, self._plan, self._skip = train, held_out, plan, skip
        self._report, self._folder = report, checkpoints
        self.parameters = trained_parameters(model)
        settings = plan.settings
        self._optimizer = torch.optim.AdamW(
            self.parameters.values(), lr=0.0, weight_decay=float(settings["weight_decay"]), fused=True
        )
        self.step, self.log = 0, list[dict[str, Any]]()
        self._seconds = 0.0
        self._end, self._decay_from = plan.steps, None if plan.steps is None else self._decay_begin(plan.steps)
        self._evaluated = -1
        self._next_evaluation = 0.0

    def run(self) -> None:
        """Train from the last checkpoint on, or from the start, until the end of the plan."""
        if self._folder is not None and (state := load_checkpoint(self._folder, self.parameters, self._optimizer)):
            self.step, self.log, self._seconds = state["step"], state["log"], state["seconds"]
            self._end, self._decay_from, self._evaluated = state["end"], state["decay_from"], state["evaluated"]
        self.model.train()
        begin, before = time.monotonic(), self._seconds
        saved, cost = begin, 0.0
        if self.step == 0:
            self._evaluate()
        while self._end is None or self.step < self._end:
            self._one_step()
            self._seconds = before + time.monotonic() - begin
            self._plan_end()
            if self._evaluation_is_due() and self.step != self._end:
                self._evaluate()
            if self._folder is not None and time.monotonic() - saved > max(_SAVE_SECONDS, cost / _SAVE_SHARE):
                cost = self._save()
                saved = time.monotonic()
                self._seconds = before + saved - begin
        self._evaluate()
        self._seconds = before + time.monotonic() - begin

    @property
    def share(self) -> float:
        """The share of the training that is done."""
        if self._end is not None:
            return self.step / self._end
        assert self._plan.seconds is not None
        return min(1.0, self._seconds / self._plan.seconds)

    def evaluate(self, examples: Sequence[TokenizedExample]) -> tuple[float, int]:
        """Return the mean loss of a token of the replies, and the number of replies that are exactly right.

        A reply is exactly right if greedy decoding gives it. That is so if and only if each of its tokens is the most
        likely one after those before it, which one forward pass tells for all tokens.
        """
        size, loss, tokens, exact = int(self._plan.settings["batch"]), 0.0, 0, 0
        self.model.eval()
        with torch.no_grad():
            for begin in range(0, len(examples), size):
                batch = make_batch(examples[begin : begin + size], self._skip)
                logits = self.reply.logits(batch).float()
                loss += float(torch.nn.functional.cross_entropy(logits, batch.targets, reduction="sum"))
                tokens += len(batch.targets)
                right = logits.argmax(-1) == batch.targets
                exact += sum(bool(part.all()) for part in right.split(list(batch.lengths)))
        self.model.train()
        return loss / tokens, exact

    def _one_step(self) -> None:
        plan, size = self._plan, int(self._plan.settings["batch"])
        # Dropout depends on the step alone, so that a resumed training equals an uninterrupted one.
        torch.manual_seed(plan.seed * 1_000_003 + self.step)
        places = order(len(self._train), plan.step_examples, self.step, plan.seed)
        batches = [
            make_batch([self._train[place] for place in places[begin : begin + size]], self._skip)
            for begin in range(0, len(places), size)
        ]
        tokens, total = sum(len(batch.targets) for batch in batches), 0.0
        for batch in batches:
            logits = self.reply.logits(batch).float()
            loss = torch.nn.functional.cross_entropy(logits, batch.targets, reduction="sum") / tokens
            loss.backward()
            total += float(loss.detach())
        if not math.isfinite(total):
            raise UsageError(
                f"the loss must be a number, got {total} at step {self.step + 1}; "
                "train again with a lower --learning-rate"
            )
        rate = float(plan.settings["learning_rate"]) * self._rate_factor()
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        torch.nn.utils.clip_grad_norm_(self.parameters.values(), _CLIP)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self._add({"step": self.step, "loss": round(total, 6), "learning_rate": rate})

    def _rate_factor(self) -> float:
        """Return the share of the learning rate in this step: it warms up, stays, and decays linearly.

        Source: Hu et al. 2024 (arXiv 2404.06395), section 4: warm-up, stable, decay. The end may be set late, so that
        a limit of time needs no guess of the number of steps.
        """
        steps = self._plan.steps
        warmup = _TIMED_WARMUP if steps is None else max(1, round(float(self._plan.settings["warmup"]) * steps))
        factor = min(1.0, (self.step + 1) / warmup)
        if self._end is not None and self._decay_from is not None and self.step >= self._decay_from:
            factor = min(factor, (self._end - self.step) / (self._end - self._decay_from + 1))
        return factor

    def _decay_begin(self, end: int) -> int:
        return end - round(float(self._plan.settings["decay"]) * end)

    def _plan_end(self) -> None:
        """Set the number of steps as soon as the time is left that the decay takes."""
        plan = self._plan
        if self._end is not None or plan.seconds is None:
            return
        left = plan.seconds - self._seconds
        if left <= float(plan.settings["decay"]) * plan.seconds:
            self._decay_from = self.step
            # At least one step at a low rate, however little time there was.
            self._end = self.step + max(1, int(left / (self._seconds / self.step)))

    def _evaluation_is_due(self) -> bool:
        is_late = self._plan.seconds is None or time.monotonic() >= self._next_evaluation
        return is_late and int(self.share * _EVALUATIONS) > self._evaluated

    def _evaluate(self) -> None:
        self._evaluated = int(self.share * _EVALUATIONS)
        if not self._held_out:
            return
        begin = time.monotonic()
        loss, exact = self.evaluate(self._held_out)
        self._next_evaluation = begin + (time.monotonic() - begin) / _EVALUATION_SHARE
        number = len(self._held_out)
        self._add({"step": self.step, "held_out_loss": round(loss, 6), "held_out_exact": exact, "held_out": number})

    def _add(self, line: dict[str, Any]) -> None:
        line["seconds"] = round(self._seconds, 2)
        self.log.append(line)
        self._report({**line, "share": self.share, "steps": self._end})

    def _save(self) -> float:
        """Write a checkpoint and return the seconds that it took."""
        assert self._folder is not None
        begin = time.monotonic()
        state = {
            "step": self.step,
            "log": self.log,
            "seconds": self._seconds,
            "end": self._end,
            "decay_from": self._decay_from,
            "evaluated": self._evaluated,
        }
        save_checkpoint(self._folder, self.step, self.parameters, self._optimizer, state)
        return time.monotonic() - begin
