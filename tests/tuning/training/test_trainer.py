"""The loop: an interrupted training equals an uninterrupted one; learning rate, scores and failures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from reasoning.errors import UsageError
from reasoning.tuning.training.sparkline import draw_losses

pytest.importorskip("peft")

import torch

from reasoning.tuning.training import trainer as module
from reasoning.tuning.training.checkpoints import last_step
from reasoning.tuning.training.forward import ReplyModel
from reasoning.tuning.training.preparation import prepare
from reasoning.tuning.training.trainer import Plan, Trainer
from reasoning.tuning.training.work_folder import CHECKPOINTS, PEFT, RESULT, Job, read_job, write_job
from tests.tuning.training.conftest import make_tiny
from tests.tuning.training.test_methods import EXAMPLES, settings_of


def make_trainer(steps: int | None = 9, folder: Path | None = None, **settings: Any) -> Trainer:
    chosen = settings_of("lora", **{"dropout": 0.2, "batch": 3, "accumulate": 2, **settings})
    plan = Plan(chosen, seed=5, steps=steps, seconds=None if steps else 1.5)
    return Trainer(prepare(make_tiny(), "lora", chosen), EXAMPLES[4:], EXAMPLES[:4], plan, checkpoints=folder)


def without_times(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "seconds"} for line in log]


def test_an_interrupted_training_equals_an_uninterrupted_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SAVE_SECONDS", 0.0)
    monkeypatch.setattr(module, "_SAVE_SHARE", 1e9)
    whole = make_trainer()
    whole.run()
    for stop in (1, 4, 5):
        part = make_trainer(folder=tmp_path)
        one_step = part._one_step

        def interrupted(stop: int = stop, part: Trainer = part, one_step: Any = one_step) -> None:
            if part.step == stop:
                raise KeyboardInterrupt
            one_step()

        monkeypatch.setattr(part, "_one_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            part.run()
        assert last_step(tmp_path) == stop
    last = make_trainer(folder=tmp_path)
    last.run()
    assert without_times(last.log) == without_times(whole.log)
    for name, parameter in last.parameters.items():
        assert torch.equal(parameter, whole.parameters[name])
    assert len([path for path in tmp_path.iterdir() if path.name.startswith("step-")]) == 1


def test_a_half_written_checkpoint_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir(parents=True)
    (tmp_path / "new" / "weights.safetensors").write_bytes(b"half")
    assert last_step(tmp_path) == 0
    trainer = make_trainer(steps=1, folder=tmp_path)
    trainer.run()
    trainer._save()
    assert last_step(tmp_path) == 1


def test_the_rate_warms_up_stays_and_decays() -> None:
    trainer = make_trainer(steps=20, warmup=0.2, decay=0.25, learning_rate=1e-3)
    trainer.run()
    rates = [line["learning_rate"] / 1e-3 for line in trainer.log if "loss" in line]
    assert rates[:4] == pytest.approx([0.25, 0.5, 0.75, 1])
    assert rates[4:15] == pytest.approx([1] * 11)
    assert rates[15:] == pytest.approx([5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])


def test_a_limit_of_time_ends_with_a_low_rate() -> None:
    trainer = make_trainer(steps=None)
    trainer.run()
    rates = [line["learning_rate"] for line in trainer.log if "loss" in line]
    assert rates[-1] < 0.7 * max(rates)
    assert trainer.share == 1.0
    assert "held_out_loss" in trainer.log[-1]


def test_evaluations_take_little_of_a_limit_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EVALUATION_SHARE", 0.0001)

    def evaluate_slowly(examples: object) -> tuple[float, int]:
        time.sleep(0.01)
        return 1.0, 0

    def count_evaluations(steps: int | None) -> int:
        trainer = make_trainer(steps=steps)
        monkeypatch.setattr(trainer, "evaluate", evaluate_slowly)
        trainer.run()
        return sum("held_out_loss" in line for line in trainer.log)

    # One before and one after it; the next would be allowed after a hundred seconds.
    assert count_evaluations(None) == 2
    assert count_evaluations(9) == 9


def test_an_exact_reply_is_what_greedy_decoding_gives() -> None:
    settings = settings_of("full", batch=12)
    trainer = Trainer(prepare(make_tiny(), "full", settings), EXAMPLES, [], Plan(settings, steps=40))
    trainer.run()
    loss, exact = trainer.evaluate(EXAMPLES)
    trainer.model.eval()
    greedy = 0
    for example in EXAMPLES:
        tokens = torch.tensor([example.prompt])
        written = trainer.model.generate(
            input_ids=tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=3, do_sample=False
        )
        greedy += tuple(written[0, len(example.prompt) :].tolist()) == example.reply
    assert exact == greedy
    assert exact > 0
    assert loss < 2


def test_held_out_examples_are_never_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = make_trainer(steps=8)
    trained: list[tuple[int, ...]] = []
    logits = ReplyModel.logits

    def spy(self: Any, batch: Any, **inputs: Any) -> Any:
        if torch.is_grad_enabled():
            trained.extend(tuple(row.tolist()) for row in batch.tokens)
        return logits(self, batch, **inputs)

    monkeypatch.setattr(ReplyModel, "logits", spy)
    trainer.run()
    assert len(trained) == 8 * 6
    rows = {(*one.prompt, *one.reply) for one in EXAMPLES[:4]} - {(*one.prompt, *one.reply) for one in EXAMPLES[4:]}
    assert rows
    assert not {row[:12] for row in trained} & rows


def test_a_loss_that_is_no_number_ends_the_training() -> None:
    trainer = make_trainer(learning_rate=1e9)
    with torch.no_grad():
        next(iter(trainer.parameters.values())).fill_(float("nan"))
    with pytest.raises(UsageError, match=r"the loss must be a number, got nan at step 1; .* --learning-rate"):
        trainer.run()


def test_losses_are_drawn() -> None:
    log = [{"loss": 4.0 - step * 0.04} for step in range(100)] + [{"held_out_loss": 2.0}, {"held_out_loss": 1.0}]
    training, held_out = draw_losses(log).splitlines()
    assert training.startswith("training loss  4.000 █")
    assert training.endswith("▁ 0.040")
    assert held_out == "held out loss  2.000 ▅▃ 1.000"
    assert draw_losses([]) == ""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    base, folder = tmp_path / "base", tmp_path / "work"
    make_tiny().save_pretrained(base)
    settings = settings_of("lora", dropout=0.2, batch=3)
    write_job(folder, Job(str(base), "tiny", "lora", settings, seed=5, steps=40), EXAMPLES[4:], EXAMPLES[:4])
    return folder


def start(folder: Path, *, wait: float) -> subprocess.Popen[str]:
    """Start the process that trains, with a checkpoint after each step and a pause at each."""
    code = (
        "import sys, time; from pathlib import Path\n"
        "from reasoning.tuning.training import child_process, trainer\n"
        "trainer._SAVE_SECONDS, trainer._SAVE_SHARE = 0.0, 1e9\n"
        "step = trainer.Trainer._one_step\n"
        f"trainer.Trainer._one_step = lambda self: (time.sleep({wait}), step(self))\n"
        f"child_process.main(Path({str(folder)!r}))\n"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment
    )


def read_until(child: subprocess.Popen[str], step: int) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        if json.loads(line).get("step") == step:
            return
    pytest.fail(f"the process ended before step {step}: {child.stderr.read() if child.stderr else ''}")


@pytest.mark.long
def test_a_killed_process_continues_to_the_same_result(job: Path) -> None:
    with start(job, wait=0.05) as child:
        read_until(child, 12)
        child.send_signal(signal.SIGKILL)
    assert 11 <= (killed := last_step(job / CHECKPOINTS)) < 40
    with start(job, wait=0.05) as child:
        read_until(child, 24)
        assert child.stdin is not None
        child.stdin.close()  # as when the process that started it was killed
        child.wait(60)
    assert max(killed, 23) <= last_step(job / CHECKPOINTS) < 40
    assert not (job / RESULT).exists()
    with start(job, wait=0) as done:
        # Not `communicate`, which would close standard input.
        assert done.stdout is not None
        steps = [json.loads(line).get("step", 0) for line in done.stdout]
        assert done.wait(60) == 0
    assert min(step for step in steps if step) > 22
    result = json.loads((job / RESULT).read_bytes())
    _, train, held_out = read_job(job)
    settings = settings_of("lora", dropout=0.2, batch=3)
    whole = Trainer(prepare(make_tiny(), "lora", settings, seed=5), train, held_out, Plan(settings, seed=5, steps=40))
    whole.run()
    assert without_times(result["log"]) == without_times(whole.log)
    assert (job / PEFT / "adapter_model.safetensors").is_file()
