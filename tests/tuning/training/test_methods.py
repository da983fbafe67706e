"""Every method trains, is stored, and replies the same after loading; on a tiny llama with random weights."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from reasoning.errors import InputError, UnknownName, UsageError
from reasoning.messages import Message
from reasoning.tuning.training.methods import COMMON, METHODS, find_method

pytest.importorskip("peft")

import torch

from reasoning.providers.torch.base_model import BaseFiles, LoadedBase
from reasoning.providers.torch.generation import Reply
from reasoning.providers.torch.generation import _generate as generate
from reasoning.providers.torch.trained_weights import OWN_METHODS, WEIGHTS, apply_trained
from reasoning.tuning.training import preparation
from reasoning.tuning.training.batches import make_batch
from reasoning.tuning.training.child_process import load_model
from reasoning.tuning.training.forward import ReplyModel, compute_prefix
from reasoning.tuning.training.preparation import (
    begin_prefix,
    choose_masks,
    linear_weights,
    prepare,
    save_trained,
    trained_parameters,
)
from reasoning.tuning.training.request import resolve_precision
from reasoning.tuning.training.tokens import TokenizedExample
from reasoning.tuning.training.trainer import Plan, Trainer
from reasoning.tuning.training.work_folder import Job
from tests.tuning.training.conftest import make_tiny

# Libraries that warn of each other's changes; the process that trains silences them.
pytestmark = pytest.mark.filterwarnings("ignore")

SMALL = {"rank": 4, "positions": 6, "layers": 1, "reduction": 4, "bottleneck": 8, "learning_rate": 1e-2, "batch": 8}
PREFIX = (1, 5, 6, 7, 8, 9)
EXAMPLES = [
    TokenizedExample(f"g{i}", (*PREFIX, 3, 10 + i % 7, 20 + i % 5), (30 + i % 7, 40 + i % 5, 2)) for i in range(24)
]
TRAINED = sorted(name for name in METHODS if name != "qlora")  # which needs bitsandbytes


def settings_of(name: str, **changed: Any) -> dict[str, Any]:
    known = {**COMMON, **METHODS[name].settings}
    wanted = {"precision": "float32", **SMALL, **changed}
    return METHODS[name].to_settings({key: value for key, value in wanted.items() if key in known})


def trained(name: str, steps: int, model: Any, **changed: Any) -> Trainer:
    """Train a model by a method, with the mask of `sparse` and the frozen prefix of `alora`."""
    settings, masks, prefix, skip = settings_of(name, **changed), None, None, 0
    if name == "alora":
        skip = len(PREFIX) - 1
        prefix = compute_prefix(model, PREFIX[:skip], settings["precision"])
    if name == "sparse":
        prepare(model, name, settings)
        before = {key: weight.detach().clone() for key, weight in linear_weights(model).items()}
        Trainer(model, EXAMPLES, [], Plan(settings, steps=2)).run()
        masks = choose_masks(before, linear_weights(model), settings["rank"])
        with torch.no_grad():
            for key, weight in linear_weights(model).items():
                weight.copy_(before[key])
    prepared = prepare(model, name, settings, masks=masks)
    trainer = Trainer(prepared, EXAMPLES, EXAMPLES[:4], Plan(settings, steps=steps), prefix=prefix, skip=skip)
    trainer.run()
    return trainer


@pytest.mark.parametrize("name", TRAINED)
def test_the_loss_falls_and_a_loaded_model_replies_the_same(name: str, tiny: Any, tmp_path: Path) -> None:
    trainer = trained(name, 12, tiny)
    scores = [line["held_out_loss"] for line in trainer.log if "held_out_loss" in line]
    assert scores[-1] < scores[0] - 0.01
    assert len([line for line in trainer.log if "loss" in line]) == 12
    folder = tmp_path / "peft"
    # The adapter is active from the token before its mark on; see `find_frozen_prefix`.
    save_trained(trainer.model, name, folder, (PREFIX[-1], 3) if name == "alora" else None)
    assert not [path for path in folder.iterdir() if path.suffix not in (".json", ".safetensors")]
    loaded = apply_trained(make_tiny(), folder, name, settings_of(name))
    batch = make_batch(EXAMPLES[:4])
    skip = len(PREFIX) - 1 if name == "alora" else 0
    with torch.no_grad():
        trainer.model.eval()
        expected = trainer.reply.logits(make_batch(EXAMPLES[:4], skip))
        got = ReplyModel(loaded).logits(batch)
        untrained = ReplyModel(make_tiny()).logits(batch)
    assert torch.allclose(got, expected, atol=1e-5)
    assert not torch.allclose(got, untrained, atol=1e-3)


def test_a_prefix_begins_as_the_first_tokens_of_a_prompt(tiny: Any) -> None:
    prepared = prepare(tiny, "prefix", settings_of("prefix"))
    begin_prefix(prepared, PREFIX[:4])
    before = (*PREFIX[:4], *PREFIX[:2])  # the tokens are repeated up to the number of positions
    batch = make_batch(EXAMPLES[:4])
    longer = make_batch([TokenizedExample(one.group, (*before, *one.prompt), one.reply) for one in EXAMPLES[:4]])
    with torch.no_grad():
        got, expected = ReplyModel(prepared).logits(batch), ReplyModel(make_tiny()).logits(longer)
    assert torch.allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["lora", "alora", "adapter", "prefix", "prompt", "partial", "ladder_side"])
def test_frozen_weights_in_bfloat16_change_no_loss(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cast = trained(name, 4, make_tiny(), precision="bfloat16")
    monkeypatch.setattr(preparation, "_cast_frozen", lambda model: None)
    plain = trained(name, 4, make_tiny(), precision="bfloat16")
    assert [line["loss"] for line in cast.log if "loss" in line] == [
        line["loss"] for line in plain.log if "loss" in line
    ]

    def precisions(trainer: Trainer) -> set[Any]:
        layers = (module for module in trainer.model.modules() if type(module) is torch.nn.Linear)
        return {layer.weight.dtype for layer in layers if not layer.weight.requires_grad}

    assert precisions(plain) == {torch.float32}
    assert torch.bfloat16 in precisions(cast)
    assert cast.model.get_input_embeddings().weight.dtype == torch.float32


def test_sparse_keeps_all_bits_of_what_it_changes() -> None:
    trainer = trained("sparse", 2, make_tiny(), precision="bfloat16")
    assert {parameter.dtype for parameter in trainer.model.parameters()} == {torch.float32}


class Numbers:
    """A tokenizer whose texts are the numbers of tokens."""

    bos_token, eos_token_id = None, 2

    def apply_chat_template(self, turns: list[dict[str, str]], **_: Any) -> str:
        return turns[-1]["content"]

    def __call__(self, text: str, **_: Any) -> dict[str, Any]:
        return {"input_ids": torch.tensor([[int(number) for number in text.split()]])}

    def decode(self, tokens: list[int], **_: Any) -> str:
        return " ".join(map(str, tokens))

    def get_added_vocab(self) -> dict[str, int]:
        return {}


@pytest.mark.parametrize("name", ["adapter", "ladder_side", "prefix", "prompt"])
def test_a_loaded_model_generates_what_its_logits_say(name: str, tmp_path: Path) -> None:
    def make_lively() -> Any:
        """Return a model whose replies depend on more than their last token."""
        model = make_tiny()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(8 if parameter.dim() > 1 else 1)
        return model

    trainer = trained(name, 1, make_lively())
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in trainer.parameters.values():
            # As after a long training: a reply without the trained parts is another one.
            parameter.normal_()
    save_trained(trainer.model, name, tmp_path / "peft")
    loaded = apply_trained(make_lively(), tmp_path / "peft", name, settings_of(name))
    tokens = EXAMPLES[0].prompt
    turns = [Message("user", " ".join(map(str, tokens)))]

    def reply(model: Any, count: int = 2, **sampling: Any) -> list[Reply]:
        base = LoadedBase(model, Numbers(), "", BaseFiles("tiny", tmp_path, ""))
        sampling = {"temperature": 0.0, "max_tokens": 4, **sampling}
        replies, length = generate(base, turns, sampling, count, threading.Event())
        assert length == len(tokens)
        return replies

    [written, again] = reply(loaded)
    assert written == again
    assert written != reply(make_lively(), 1)[0]
    for token in map(int, written.text.split()):
        batch = make_batch([TokenizedExample("g", tokens, (token,))])
        with torch.no_grad():
            assert int(ReplyModel(loaded).logits(batch)[0].argmax()) == token
        tokens = (*tokens, token)
    assert written.tokens == 4
    tokens = EXAMPLES[0].prompt
    # A text of the prompt does not stop the reply.
    assert reply(loaded, 1, stop=[str(tokens[-2])])[0].tokens >= 1
    first = written.text.split()[0]
    assert reply(loaded, 1, stop=[first])[0].text == ""


@pytest.mark.parametrize("name", TRAINED)
def test_only_the_parts_of_a_method_are_trained(name: str, tiny: Any) -> None:
    before = {key: parameter.detach().clone() for key, parameter in tiny.named_parameters()}
    trainer = trained(name, 2, tiny)
    parameters = dict(trainer.model.named_parameters())
    frozen = {key for key, parameter in parameters.items() if not parameter.requires_grad}
    assert bool(frozen) == (name != "full")
    for key, old in before.items():
        now = next((one for other, one in parameters.items() if other.replace(".base_layer", "").endswith(key)), None)
        assert now is not None
        if not now.requires_grad:
            assert torch.equal(now, old)
    assert all(parameter.grad is None for parameter in parameters.values())


@pytest.mark.parametrize("name", TRAINED)
def test_every_method_learns_in_bfloat16(name: str, tiny: Any) -> None:
    trainer = trained(name, 12, tiny, precision="bfloat16")
    scores = [line["held_out_loss"] for line in trainer.log if "held_out_loss" in line]
    assert scores[-1] < scores[0] - 0.01
    assert {parameter.dtype for parameter in trainer.parameters.values()} == {torch.float32}


def test_weights_of_four_bits_stay_as_they_are(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes")
    make_tiny(128).save_pretrained(tmp_path / "base")
    settings = settings_of("qlora")
    model = load_model(Job(str(tmp_path / "base"), "tiny", "qlora", settings, seed=0, steps=8))
    prepared = prepare(model, "qlora", settings)
    trainer = Trainer(prepared, EXAMPLES, EXAMPLES[:4], Plan(settings, steps=8))
    trainer.run()
    scores = [line["held_out_loss"] for line in trainer.log if "held_out_loss" in line]
    assert scores[-1] < scores[0] - 0.1
    layer = prepared.get_base_model().model.layers[0].mlp.up_proj.base_layer
    assert layer.weight.dtype == torch.uint8
    assert layer.weight.numel() == 128 * 192 / 2
    save_trained(prepared, "qlora", tmp_path / "peft")
    loaded = apply_trained(make_tiny(128), tmp_path / "peft", "qlora", settings)
    assert ReplyModel(loaded).logits(make_batch(EXAMPLES[:4])).isfinite().all()


def test_no_gradient_flows_through_the_model_of_a_side_network(tiny: Any) -> None:
    prepare(tiny, "ladder_side", settings_of("ladder_side"))
    states: list[Any] = []
    tiny.model.norm.register_forward_hook(lambda layer, inputs, output: states.append(output))
    logits = ReplyModel(tiny).logits(make_batch(EXAMPLES[:2]))
    assert not states[0].requires_grad
    assert logits.requires_grad


def test_a_side_network_keeps_the_state_of_earlier_tokens(tiny: Any) -> None:
    prepare(tiny, "ladder_side", settings_of("ladder_side"))
    tokens = torch.tensor([[1, 5, 6, 7, 8, 9, 10]]).repeat(2, 1)
    with torch.no_grad():
        tiny.side_network.up.weight.normal_()
        whole = tiny(input_ids=tokens, use_cache=False).logits
        first = tiny(input_ids=tokens[:, :3], use_cache=True)
        parts = [first.logits]
        for begin, end in ((3, 6), (6, 7)):
            parts.append(tiny(input_ids=tokens[:, begin:end], cache=first.cache, use_cache=True).logits)
        again = tiny(input_ids=tokens[:, :3], use_cache=True).logits
    assert torch.allclose(torch.cat(parts, dim=1), whole, atol=1e-5)
    assert torch.equal(again, first.logits)


def test_a_mask_has_the_entries_that_changed_most() -> None:
    before = {"w": torch.zeros(6, 8)}
    after = {"w": torch.arange(48.0).view(6, 8) * -1}
    mask = choose_masks(before, after, 1)["w"]
    assert int(mask.sum()) == 14
    assert mask.flatten()[-14:].all()


def test_parts_are_trained_by_name(tiny: Any) -> None:
    prepare(tiny, "partial", settings_of("partial", parts="norms+layers"))
    names = set(trained_parameters(tiny))
    assert "model.norm.weight" in names
    assert "model.layers.1.mlp.up_proj.weight" in names
    assert "model.layers.0.mlp.up_proj.weight" not in names
    with pytest.raises(UsageError, match="the model has no biases; give another part"):
        prepare(make_tiny(), "partial", settings_of("partial", parts="biases"))


@pytest.mark.parametrize("name", sorted(OWN_METHODS))
def test_weights_of_another_base_are_refused(name: str, tiny: Any, tmp_path: Path) -> None:
    trainer = trained(name, 1, tiny)
    folder = tmp_path / "peft"
    save_trained(trainer.model, name, folder)
    other = make_tiny()
    other.model.layers = other.model.layers[:1]
    with pytest.raises(InputError, match="does not fit the base model"):
        apply_trained(other, folder, name, settings_of(name))
    (folder / WEIGHTS).unlink()
    with pytest.raises(InputError, match="are missing"):
        apply_trained(make_tiny(), folder, name, settings_of(name))


def test_a_pickle_is_never_loaded(tiny: Any, tmp_path: Path) -> None:
    trainer = trained("lora", 1, tiny)
    save_trained(trainer.model, "lora", tmp_path / "peft")
    weights = tmp_path / "peft" / "adapter_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(InputError, match="are missing"):
        apply_trained(make_tiny(), tmp_path / "peft", "lora", settings_of("lora"))


def test_settings_have_the_type_of_their_default() -> None:
    lora = find_method("lora")
    assert lora.to_settings({"rank": "8", "learning_rate": "2e-4"})["rank"] == 8
    assert lora.to_settings({})["alpha"] == 32
    with pytest.raises(UnknownName, match=r"unknown setting 'rnk' of the method lora; did you mean 'rank'\?"):
        lora.to_settings({"rnk": 8})
    for name, value in (("rank", 0), ("rank", 2.5), ("rank", "many"), ("dropout", 0.95), ("learning_rate", "nan")):
        with pytest.raises(UsageError, match=f"{name} must be"):
            lora.to_settings({name: value})
    with pytest.raises(UsageError, match="bits must be 4, got 8: with 8 bits, bitsandbytes made no step"):
        find_method("qlora").to_settings({"bits": 8})
    with pytest.raises(UnknownName, match="unknown part of a model 'norm'"):
        find_method("partial").to_settings({"parts": "norm"})
    with pytest.raises(UnknownName, match=r"did you mean 'lora'\?"):
        find_method("lorra")


@pytest.mark.parametrize("name", sorted(METHODS))
def test_a_card_is_complete(name: str) -> None:
    card = METHODS[name]
    assert card.name == name
    assert card.url.removeprefix("https://arxiv.org/abs/").replace(".", "").isdigit()
    assert all((card.title, card.trains, card.memory, card.use_when, card.avoid_when, card.serving))
    assert "learning_rate" in card.settings


@pytest.mark.parametrize(
    ("supported", "precision"), [("amx_tile", "bfloat16"), ("avx512_bf16", "bfloat16"), ("", "float32")]
)
def test_bfloat16_is_chosen_where_it_is_fast(supported: str, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("amx_tile", "avx512_bf16"):
        monkeypatch.setattr(torch.cpu, f"_is_{name}_supported", partial(str.__eq__, supported, name), raising=False)
    assert resolve_precision(settings_of("lora", precision="auto"))["precision"] == precision
    assert resolve_precision(settings_of("lora", precision="float32"))["precision"] == "float32"
