"""The traits of a model: the differences of its requests from those of a plain chat model, and its prices."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

_FIELD = "extra_body."
"""The beginning of the name of a field of `extra_body` among parameters that are dropped."""
_SWITCHES = ("reasoning_effort", "thinking_tokens", "enable_thinking", "thinking", "think")
"""The parameters that switch reasoning on and off: OpenAI, vLLM and SGLang, Anthropic and DeepSeek, Ollama."""
_OFF = ("none", "disable", "disabled")
_EFFORTS = ("none", "default", "minimal", "low", "medium", "high", "xhigh", "max")
"""The efforts of all providers, from the least to the greatest."""


@dataclass(frozen=True)
class ModelTraits:
    """The differences of a model from a plain chat model.

    Attributes:
        rename: parameters that are sent under another name.
        drop: parameters that the model refuses or ignores; "extra_body.NAME" for a field of `extra_body`.
        drop_when_reasoning: parameters that it refuses while it reasons.
        reasons_by_default: whether it reasons even without `reasoning_effort`.
        thinking_tokens: the tokens by which a limit is raised while it reasons, because its
            reasoning counts towards the limit.
        efforts: the values of `reasoning_effort` that it takes; empty if they are not known.
        takes_effort: whether it takes `reasoning_effort` at all.
        effort_switch: the field of `extra_body` that switches its thinking on and off in place of
            `reasoning_effort`: "chat_template_kwargs.enable_thinking".
        thinking_budget: the field that takes a number of tokens of thought: "thinking" for
            `{"type": "enabled", "budget_tokens": N}`, "extra_body.NAME" for a field of `extra_body`; empty if
            it takes none.
        returns_thoughts: whether the API demands the thoughts before a tool call back in later turns.
        n: whether one request may ask for several completions.
        prefix_cache: whether a first request that is sent alone makes the prompt cheaper for those
            after it.
        direct: whether it is available through OpenAI's chat completions API.
        input: US dollars per million input tokens, if the user's file says so.
        output: the same for output tokens.
        cached_input: the same for cached input tokens.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    drop: frozenset[str] = frozenset()
    drop_when_reasoning: frozenset[str] = frozenset()
    reasons_by_default: bool = False
    thinking_tokens: int = 25_000
    efforts: frozenset[str] = frozenset()
    takes_effort: bool = True
    effort_switch: str = ""
    thinking_budget: str = ""
    returns_thoughts: bool = False
    n: bool = True
    prefix_cache: bool = False
    direct: bool = True
    input: float | None = None
    output: float | None = None
    cached_input: float | None = None

    def apply(self, sampling: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters to send: renamed, and without those that the model refuses."""
        dropped = self._dropped_names(sampling)
        sent = {self.rename.get(name, name): value for name, value in sampling.items() if name not in dropped}
        self._set_thinking(sent)
        if fields := self._dropped_fields(sampling, dropped):
            sent["extra_body"] = {name: value for name, value in sent["extra_body"].items() if name not in fields}
            if not sent["extra_body"]:
                del sent["extra_body"]
        return sent

    def _set_thinking(self, sent: dict[str, Any]) -> None:
        """Put the effort, and the number of tokens of thought, into the fields that the model has for them."""
        if self.effort_switch and (effort := sent.pop("reasoning_effort", None)) is not None:
            sent["extra_body"] = _with_field(sent.get("extra_body"), self.effort_switch, effort not in _OFF)
        if (tokens := sent.pop("thinking_tokens", None)) is not None:
            if self.thinking_budget.startswith(_FIELD):
                name = self.thinking_budget.removeprefix(_FIELD)
                sent["extra_body"] = _with_field(sent.get("extra_body"), name, tokens)
            else:
                form = {"type": "enabled", "budget_tokens": tokens} if tokens else {"type": "disabled"}
                sent[self.thinking_budget] = form

    def find_effort_problem(self, model: str, sampling: Mapping[str, Any]) -> str:
        """Return why a model does not think as the parameters say; empty if it does, or may.

        Args:
            model: its name, for the message.
            sampling: the parameters, of which `reasoning_effort` and `thinking_tokens` count.

        Examples:
            >>> from reasoning.providers.model_table import traits
            >>> traits("openai/o3").find_effort_problem("openai/o3", {"reasoning_effort": "max"})
            "openai/o3 takes no reasoning_effort 'max'; it takes reasoning_effort low, medium or high"
        """
        effort, tokens = sampling.get("reasoning_effort"), sampling.get("thinking_tokens")
        if effort is not None and (not self._has_effort or (self.efforts and effort not in self.efforts)):
            return f"{model} takes no reasoning_effort {effort!r}; {self._what_it_takes}"
        if isinstance(effort, str) and not self.efforts and effort not in _EFFORTS:
            return (
                f"reasoning_effort must be one of {', '.join(_EFFORTS)}, got {effort!r:.40}; another one needs the "
                f"line efforts = [{json.dumps(effort):.40}] in the table of {model} in your models.toml"
            )
        if tokens is not None and ("thinking_tokens" in self.drop or not self.thinking_budget):
            return f"{model} takes no number of tokens of thought; {self._what_it_takes}"
        return ""

    @property
    def _what_it_takes(self) -> str:
        taken = self.describe_effort()
        return f"it takes {taken}" if taken else "no setting for its thinking is known"

    @property
    def _has_effort(self) -> bool:
        return self.takes_effort and "reasoning_effort" not in self.drop

    def describe_effort(self) -> str:
        """Return the settings for its thinking that the model is known to take; empty without any."""
        taken = list[str]()
        if self.efforts and self._has_effort:
            known = sorted(self.efforts, key=lambda effort: _EFFORTS.index(effort) if effort in _EFFORTS else -1)
            taken.append(f"reasoning_effort {join_words(known)}")
        if self.thinking_budget and "thinking_tokens" not in self.drop:
            taken.append("a number of tokens (thinking_tokens)")
        return " and ".join(taken)

    def dropped(self, sampling: Mapping[str, Any]) -> list[str]:
        """Return the parameters that `apply` drops, in their order."""
        dropped = self._dropped_names(sampling)
        if not dropped:
            return []
        fields = self._dropped_fields(sampling, dropped)
        return [name for name in sampling if name in dropped] + [f"{_FIELD}{name}" for name in fields]

    def without(self, setting: str) -> ModelTraits:
        """Return the traits of a model that refuses a setting.

        A limit on tokens gets its other name, `max_completion_tokens` or `max_tokens`, since a budget needs one.

        Args:
            setting: the setting as it was sent; "extra_body.NAME" for a further field.
        """
        if setting == "max_tokens":
            return replace(self, rename={**self.rename, "max_tokens": "max_completion_tokens"})
        if setting == "max_completion_tokens":
            return replace(self, rename={old: new for old, new in self.rename.items() if old != "max_tokens"})
        original = next((old for old, new in self.rename.items() if new == setting), setting)
        return replace(self, drop=self.drop | {original})

    def _dropped_fields(self, sampling: Mapping[str, Any], dropped: frozenset[str]) -> list[str]:
        extra = sampling.get("extra_body")
        return [name for name in extra if f"{_FIELD}{name}" in dropped] if isinstance(extra, Mapping) else []

    def _dropped_names(self, sampling: Mapping[str, Any]) -> frozenset[str]:
        lacking = set[str]()
        if "thinking_tokens" in sampling and (not self.thinking_budget or self.thinking_budget in self.drop):
            lacking.add("thinking_tokens")
        is_switch_refused = f"{_FIELD}{self.effort_switch.partition('.')[0]}" in self.drop
        if not self.takes_effort or (self.effort_switch and is_switch_refused):
            lacking.add("reasoning_effort")
        return self._refused_names(sampling) | lacking if lacking else self._refused_names(sampling)

    def _refused_names(self, sampling: Mapping[str, Any]) -> frozenset[str]:
        if not self.drop_when_reasoning:
            return self.drop
        return self.drop | self.drop_when_reasoning if self.reasons(sampling) else self.drop

    def reasons(self, sampling: Mapping[str, Any]) -> bool:
        """Return whether the model reasons before it answers, by its name and the parameters that switch it.

        Examples:
            >>> from reasoning.providers.model_table import traits
            >>> traits("Qwen/Qwen3-8B").reasons({})
            True
            >>> off = {"extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}
            >>> traits("Qwen/Qwen3-8B").reasons(off)
            False
        """
        extra = sampling.get("extra_body")
        # `validate_params` reports a body of another type.
        extra = extra if isinstance(extra, Mapping) else {}
        template = extra.get("chat_template_kwargs")
        for switches in (sampling, extra, template if isinstance(template, Mapping) else {}):
            for name in _SWITCHES:
                if (value := switches.get(name)) is not None:
                    state = value.get("type", value.get("enabled")) if isinstance(value, Mapping) else value
                    return state not in (False, *_OFF)
        return self.reasons_by_default


def join_words(words: Sequence[str]) -> str:
    """Return words as an enumeration: "low, medium or high"."""
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _with_field(extra: Any, path: str, value: Any) -> dict[str, Any]:
    """Return a body with a field set, of which a dot separates the name of an inner object."""
    body = dict(extra) if isinstance(extra, Mapping) else {}
    name, dot, inner = path.partition(".")
    body[name] = _with_field(body.get(name), inner, value) if dot else value
    return body
