"""The methods of training, each with a card: what it trains, what it costs, when to use it, how it is served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reasoning.errors import UnknownName, UsageError
from reasoning.providers.adapters import ServedBy

Setting = int | float | str

COMMON: Mapping[str, Setting] = {
    "batch": 4,
    "accumulate": 1,
    "warmup": 0.05,
    "decay": 0.25,
    "weight_decay": 0.0,
    "max_tokens": 2048,
    "precision": "auto",
}
"""The settings that all methods have: examples of a pass, passes of a step, shares of the steps in which the learning
rate rises and falls, AdamW's weight decay, the most tokens of an example (longer ones are left out), and the precision
of matrix products: float32, bfloat16, or auto, which is bfloat16 on a CPU with matrix units for it."""


@dataclass(frozen=True)
class Method:
    """The card of a method.

    Attributes:
        name: the name after `--method`.
        title: the name in the literature.
        paper: authors, year and arXiv number.
        trains: what is trained.
        memory: what it costs in memory while it trains.
        use_when, avoid_when: when it pays, and when not.
        served_by: what serves the result.
        serving: how it is served, in one sentence.
        settings: its settings with their defaults, besides `COMMON`.
        bits: bits of a frozen weight during training.
        requires: a library that it needs besides those of the `training` extra.
    """

    name: str
    title: str
    paper: str
    trains: str
    memory: str
    use_when: str
    avoid_when: str
    served_by: ServedBy
    serving: str
    settings: Mapping[str, Setting] = field(default_factory=dict)
    bits: int = 32
    requires: str = ""

    @property
    def url(self) -> str:
        """The address of the paper."""
        return f"https://arxiv.org/abs/{self.paper.rpartition(' ')[2]}"

    def to_settings(self, given: Mapping[str, Any]) -> dict[str, Setting]:
        """Return all settings, with the given ones in place of the defaults.

        Raises:
            UnknownName: the method has no such setting.
            UsageError: a value is not of the default's type, or out of range.
        """
        settings: dict[str, Setting] = {**COMMON, **self.settings}
        for name, value in given.items():
            if name not in settings:
                raise UnknownName("setting", name, settings, f"of the method {self.name}")
            settings[name] = _convert(name, value, settings[name])
        return settings


PARTS = ("norms", "biases", "layers", "norms+layers")
"""The values of the setting `parts` of the method `partial`."""
_CHOICES = {"parts": ("part of a model", PARTS), "precision": ("precision", ("auto", "float32", "bfloat16"))}
_OTHER_BITS = (
    "with 8 bits, bitsandbytes made no step of smollm2-135m in 100 s on a CPU; for 2 bits, transformers does not have "
    "its part of HQQ yet"
)
_SHARES = ("warmup", "decay", "dropout", "mask_share")
_MAY_BE_ZERO = ("warmup", "decay", "dropout", "weight_decay")


def find_method(name: str) -> Method:
    """Return the method of this name.

    Raises:
        UnknownName: there is no such method; suggests the nearest.
    """
    if name not in METHODS:
        raise UnknownName("method of training", name, METHODS)
    return METHODS[name]


def _convert(name: str, value: Any, default: Setting) -> Setting:
    """Return a value of the default's type, within the range of a setting."""
    try:
        converted = type(default)(value)
        if isinstance(default, int) and float(value) != converted:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        kind = {int: "a whole number", float: "a number", str: "a text"}[type(default)]
        raise UsageError(f"{name} must be {kind}, got {value!r:.60}") from None
    if name == "bits" and converted != 4:
        raise UsageError(f"bits must be 4, got {value!r:.20}: {_OTHER_BITS}")
    if name in _CHOICES:
        what, choices = _CHOICES[name]
        if converted not in choices:
            raise UnknownName(what, str(converted), choices)
        return converted
    assert not isinstance(converted, str)
    least = 1.0 if isinstance(default, int) else 0.0 if name in _MAY_BE_ZERO else 1e-12
    most = 0.9 if name in _SHARES else 1e9
    if not least <= converted <= most:
        raise UsageError(f"{name} must be from {least:g} to {most:g}, got {converted:g}")
    return converted


_LORA: Mapping[str, Setting] = {"rank": 16, "alpha": 32, "dropout": 0.0, "learning_rate": 1e-3}
_AS_ADAPTER = "llama.cpp, as an adapter next to its base; several at once, switched by request."
_AS_MODEL = "llama.cpp, as a whole model merged with its base; not switched."
_IN_TORCH = "PyTorch only (torch: models), which is slower than llama.cpp."

METHODS: dict[str, Method] = {
    one.name: one
    for one in (
        Method(
            "lora",
            "Low-rank adaptation (LoRA)",
            "Hu et al. 2021, arXiv 2106.09685",
            "two small matrices next to each linear layer; the weights of the model stay",
            "the weights, the activations of the whole prompt, and little more",
            "The first choice: a file of some megabytes, which llama.cpp switches by request.",
            "A long instruction that is equal for every input takes most of the time: alora computes it once.",
            "llama.cpp",
            _AS_ADAPTER,
            _LORA,
        ),
        Method(
            "alora",
            "Activated low-rank adaptation (activated LoRA)",
            "Greenewald et al. 2025, arXiv 2504.12397",
            "the matrices of lora, active from the last turn on; the turns before it are computed once without them",
            "the weights and the activations of the last turn only",
            "Instructions and demonstrations are turns that are equal for every input. Training and switching "
            "adapters then cost only the last turn.",
            "The prompt is one turn, or the turns before the last one differ between inputs: it is refused.",
            "llama.cpp",
            _AS_ADAPTER,
            _LORA,
        ),
        Method(
            "qlora",
            "Quantized low-rank adaptation (QLoRA)",
            "Dettmers et al. 2023, arXiv 2305.14314",
            "the matrices of lora; the frozen weights are held with 4 bits",
            "an eighth of the weights, and the activations of lora",
            "The weights in float32 do not fit into the memory.",
            "They fit: on a CPU every step computes all weights anew from their 4 bits, which was about ten times "
            "slower than lora (30 to 35 s instead of 3 s a step of smollm2-135m).",
            "llama.cpp",
            _AS_ADAPTER,
            {**_LORA, "bits": 4},
            bits=4,
            requires="bitsandbytes",
        ),
        Method(
            "full",
            "Full fine-tuning",
            "Howard and Ruder 2018, arXiv 1801.06146",
            "all weights",
            "four times the weights: weights, gradients and the two moments of AdamW",
            "One small model for one step, with thousands of examples, which is served alone.",
            "There are only some hundred examples, or several steps share the model: each result is a whole model.",
            "merged",
            _AS_MODEL,
            {"learning_rate": 5e-5},
        ),
        Method(
            "adapter",
            "Bottleneck adapters",
            "Houlsby et al. 2019, arXiv 1902.00751",
            "two small networks in each layer, after the attention and after the feed-forward network",
            "the weights, the activations of the whole prompt, and little more",
            "You compare methods, or serve in PyTorch anyway.",
            "The result is to be served by llama.cpp, which cannot: lora is as small.",
            "torch",
            _IN_TORCH,
            {"bottleneck": 32, "learning_rate": 1e-3},
        ),
        Method(
            "prefix",
            "Prefix tuning",
            "Li and Liang 2021, arXiv 2101.00190",
            "keys and values of some positions before the prompt, in each layer",
            "the weights and the activations of the whole prompt",
            "The smallest result is wanted: one row of numbers for each position and layer.",
            "Accuracy counts: 20 steps gave 21 of 80 entries, those of lora 41 (smollm2-135m, categories).",
            "torch",
            _IN_TORCH,
            {"positions": 64, "learning_rate": 1e-2},
        ),
        Method(
            "prompt",
            "Prompt tuning (soft prompts)",
            "Lester et al. 2021, arXiv 2104.08691",
            "the embeddings of some positions before the prompt",
            "the weights and the activations of the whole prompt",
            "The model is large (the paper: from some billion parameters on it equals training all weights).",
            "The model is small: its few numbers learn slowly.",
            "torch",
            _IN_TORCH,
            {"positions": 20, "learning_rate": 3e-2},
        ),
        Method(
            "partial",
            "Partial fine-tuning: norms, biases or the last layers",
            "Ben Zaken et al. 2021 (BitFit: biases), arXiv 2106.10199",
            "the norms, the biases or the last layers (parts=norms, biases, layers, norms+layers)",
            "the weights, four times the trained part, and the activations above the lowest trained part",
            "parts=layers: little memory and fast steps, since nothing is computed backwards below the first "
            "trained layer.",
            "Several results are to be switched on one base: each is a whole model. llama has no biases.",
            "merged",
            _AS_MODEL,
            {"parts": "layers", "layers": 4, "learning_rate": 2e-4},
        ),
        Method(
            "sparse",
            "Sparse fine-tuning: SHiRA with a mask from the lottery-ticket recipe",
            "Frankle and Carbin 2018 (the recipe: train, keep the largest changes, rewind), arXiv 1803.03635; "
            "Bhardwaj et al. 2024 (SHiRA), arXiv 2406.13175",
            "a few entries of each weight matrix, chosen as those that a short full training changes most",
            "as full while the mask is chosen; then the weights, one gradient of their size, and little more",
            "You compare methods, or a change of low rank does not suffice.",
            "Memory is short: choosing the mask takes as much as full.",
            "merged",
            _AS_MODEL,
            {"rank": 16, "mask_share": 0.2, "learning_rate": 1e-3},
        ),
        Method(
            "ladder_side",
            "Ladder side-tuning",
            "Sung et al. 2022, arXiv 2206.06522",
            "a small network that reads the output of each layer; no gradient flows through the model",
            "the weights and the activations of the small network only",
            "Memory is short and lora does not fit.",
            "lora fits: it learned more in as many steps here, and llama.cpp serves it.",
            "torch",
            _IN_TORCH,
            {"reduction": 8, "learning_rate": 2e-3},
        ),
    )
}
"""The methods by name."""
