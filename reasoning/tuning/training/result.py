"""The result of a training, kept as an adapter."""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from pathlib import Path
from typing import Any

from reasoning.providers import adapters
from reasoning.providers.adapters import Adapter, ServedBy
from reasoning.providers.torch.base_model import BaseFiles
from reasoning.tuning.training.methods import Method
from reasoning.tuning.training.request import TrainingRequest
from reasoning.tuning.training.sparkline import draw_losses
from reasoning.tuning.training.work_folder import PEFT, RESULT, read_job


def keep_result(folder: Path, request: TrainingRequest, base: BaseFiles, name: str, replace: bool) -> Adapter:
    """Make an adapter of the result in the folder of a training."""
    result = json.loads((folder / RESULT).read_bytes())
    _, train, held_out = read_job(folder)
    header = request.examples.header
    scores, course = summarize(result["log"])
    versions = {package: importlib.metadata.version(package) for package in ("torch", "transformers", "peft")}
    about = {
        "sha256": request.examples.sha256,
        "number": len(train) + len(held_out),
        **({"step": header.step, "chain": header.chain} if header.step else {"strategy": header.strategy}),
        "prompt_sha256": header.prompt_sha256,
        "teacher": header.teacher,
    }
    settings = {
        **request.settings,
        "seed": request.seed,
        "held_out": request.held_out,
        **({"minutes": request.minutes} if request.minutes is not None else {}),
        **{key: result[key] for key in ("steps", "trained_parameters", "peak_memory")},
        **course,
    }
    with adapters.create(base.name, name, replace=replace) as target:
        shutil.copytree(folder / PEFT, target / adapters.PEFT)
        lines = [json.dumps(line) for line in result["log"]]
        (target / "log.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (target / "loss.txt").write_text(draw_losses(result["log"]) + "\n", encoding="utf-8")
        served_by = _convert(request.method, target, base)
        adapters.describe(
            target,
            name,
            base.name,
            base.sha256,
            request.method.name,
            served_by,
            settings=settings,
            examples=about,
            scores=scores,
            versions={**versions, "reasoning": importlib.metadata.version("reasoning-strategies")},
        )
    return adapters.find(base.name, name)


def _convert(chosen: Method, target: Path, base: BaseFiles) -> ServedBy:
    """Write what llama.cpp serves, and return what serves the adapter."""
    if chosen.served_by == "llama.cpp":
        from reasoning.tuning.conversion.gguf_adapter import write_gguf_adapter

        write_gguf_adapter(target / adapters.PEFT, base.gguf, target / adapters.GGUF)
    elif chosen.served_by == "merged":
        from reasoning.tuning.conversion.merge import merge

        merge(base.gguf, [(target / adapters.PEFT, 1.0)], target / adapters.MERGED)
    return chosen.served_by


def summarize(log: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the scores on held-out examples at the end, and the course of the training, from its log."""
    losses = [line["loss"] for line in log if "loss" in line]
    held = [line for line in log if "held_out_loss" in line]
    course = {"seconds": log[-1]["seconds"], "training_loss": round(sum(losses[-10:]) / len(losses[-10:]), 6)}
    if not held:
        return {}, course
    first, last = held[0], held[-1]
    scores = {"held_out": last["held_out"], "exact": last["held_out_exact"], "loss": last["held_out_loss"]}
    before = {"exact_before": first["held_out_exact"], "loss_before": first["held_out_loss"]}
    return scores, {**course, **before, "best_loss": min(line["held_out_loss"] for line in held)}
