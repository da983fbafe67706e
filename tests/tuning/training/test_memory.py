"""The memory estimate: what it adds up, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reasoning.errors import UsageError

pytest.importorskip("peft")

from reasoning.tuning.training import memory
from reasoning.tuning.training.batches import make_batch
from reasoning.tuning.training.child_process import load_model
from reasoning.tuning.training.forward import ReplyModel
from reasoning.tuning.training.memory import MemoryEstimate, available_memory, estimate, estimate_all
from reasoning.tuning.training.methods import METHODS
from reasoning.tuning.training.preparation import prepare
from reasoning.tuning.training.run import check_memory
from reasoning.tuning.training.tokens import FrozenPrefix
from reasoning.tuning.training.work_folder import Job
from tests.tuning.training.conftest import make_tiny
from tests.tuning.training.test_methods import EXAMPLES, PREFIX, settings_of

ALORA = FrozenPrefix(len(PREFIX) - 1, (PREFIX[-1], 3))
GIVEN = {"precision": "float32", "rank": 4, "positions": 6, "layers": 1, "reduction": 4, "bottleneck": 8, "batch": 2}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    make_tiny().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def found(base: Path) -> dict[tuple[str, int], MemoryEstimate]:
    return {(one.method, one.bits): one for one in estimate_all(base, EXAMPLES, GIVEN, ALORA)}


def test_all_methods_and_widths_are_estimated(found: dict[tuple[str, int], MemoryEstimate]) -> None:
    assert set(found) == {(name, 32) for name in METHODS if name != "qlora"} | {("qlora", bits) for bits in (8, 4, 2)}
    full, lora = found["full", 32], found["lora", 32]
    parameters = sum(parameter.numel() for parameter in make_tiny().parameters())
    assert full.trained_parameters == parameters
    assert (full.weights, full.states) == (4 * parameters, 12 * parameters)
    assert lora.weights == 4 * parameters
    assert lora.states == 16 * lora.trained_parameters
    widths = [found["qlora", bits].weights for bits in (8, 4, 2)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] < lora.weights
    assert found["alora", 32].activations < lora.activations
    assert found["ladder_side", 32].activations < lora.activations
    assert lora.least < lora.total < lora.most


def test_without_a_frozen_prefix_alora_is_left_out(base: Path) -> None:
    assert "alora" not in {one.method for one in estimate_all(base, EXAMPLES, GIVEN, None)}


def test_a_larger_batch_keeps_more(base: Path) -> None:
    small, large = (estimate(base, "lora", settings_of("lora", batch=size), EXAMPLES) for size in (2, 8))
    assert large.activations == pytest.approx(4 * small.activations, rel=0.05)


# ladder_side has norms of its own whose input is bfloat16.
@pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["lora", "full", "adapter", "partial", "ladder_side", "prompt", "qlora"])
def test_as_much_is_kept_as_on_the_cpu(name: str, precision: str, base: Path) -> None:
    import torch

    if name == "qlora":
        pytest.importorskip("bitsandbytes")
    settings = settings_of(name, batch=4, precision=precision)
    model = prepare(load_model(Job(str(base), "tiny", name, settings, seed=0)), name, settings)
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, Any] = {}

    def keep(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    model.train()
    batch = make_batch(EXAMPLES[:4])
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        logits = ReplyModel(model, precision=precision).logits(batch).float()
        loss = torch.nn.functional.cross_entropy(logits, batch.targets)
    measured = sum(storage.nbytes() for storage in kept.values()) + logits.nbytes
    assert loss.requires_grad
    assert estimate(base, name, settings, EXAMPLES).activations == pytest.approx(measured, rel=0.1)


def test_casting_takes_what_stays_and_one_stored_file(base: Path) -> None:
    stored = (base / "model.safetensors").stat().st_size
    low = estimate(base, "lora", settings_of("lora", precision="bfloat16"), EXAMPLES)
    assert low.weights < estimate(base, "lora", settings_of("lora"), EXAMPLES).weights
    assert low.loading == low.weights + stored
    assert replace(low, loading=1e12).total > 1e12
    assert estimate(base, "lora", settings_of("lora"), EXAMPLES).loading == 0
    assert estimate(base, "sparse", settings_of("sparse", precision="bfloat16"), EXAMPLES).loading == 0


def test_what_does_not_fit_is_refused_unless_told(
    found: dict[tuple[str, int], MemoryEstimate], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = replace(found["lora", 32], weights=2e9)
    said: list[str] = []
    monkeypatch.setattr(memory, "available_memory", lambda: 10_000_000_000)
    check_memory(one, warn=said.append)
    assert said == []
    monkeypatch.setattr(memory, "available_memory", lambda: round(one.total * 1.1))
    check_memory(one, warn=said.append)
    monkeypatch.setattr(memory, "available_memory", lambda: round(one.total * 0.9))
    with pytest.raises(
        UsageError, match=r"lora needs about 2\.6 GB \(2\.0 to 3\.3 GB\) of memory, and 2\.3 GB are free"
    ):
        check_memory(one, warn=said.append)
    check_memory(one, anyway=True, warn=said.append)
    assert [text.endswith("the system may end the training") for text in said] == [True, True]


def test_the_free_memory_is_less_than_all() -> None:
    import os

    assert 0 < available_memory() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
