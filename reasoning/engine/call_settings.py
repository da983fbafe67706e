"""The sampling parameters of a model's calls: defaults, what the user gave, and what the model does not take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reasoning.engine.refused_settings import RefusedSettings
from reasoning.errors import UsageError
from reasoning.logs import Log
from reasoning.messages import Request
from reasoning.providers.model_table import table_for, traits, users_path
from reasoning.providers.model_traits import ModelTraits
from reasoning.sampling_params import find_wrong_value, validate_params

DEFAULT_PARAMS: Mapping[str, Any] = {"temperature": 0.0, "max_tokens": 1024}
"""The sampling parameters of a call that sets none."""
_log = Log(__name__)
_FRACTIONS = frozenset(["temperature", "top_p", "min_p"])
"""The parameters for which 1 and 1.0 mean the same request."""


class CallSettings:
    """The sampling parameters of a model's calls.

    Args:
        model: the model's name.
        given: the parameters that the user gave; those that are None count as not given.

    Attributes:
        given: the parameters that the user gave.
    """

    def __init__(self, model: str, given: Mapping[str, Any]) -> None:
        self.given = {name: value for name, value in given.items() if value is not None}
        self._model, self._has_told_of_thoughts = model, False
        self._refused = RefusedSettings(model, traits(model))
        self._latest: tuple[dict[str, Any], str, dict[str, Any]] = ({}, "", {})
        self._validated: set[frozenset[str]] = set()

    @property
    def traits(self) -> ModelTraits:
        """The traits of the model, without the settings that it has refused."""
        return self._refused.traits

    @property
    def refused(self) -> tuple[str, ...]:
        """The settings that the model has refused, sorted."""
        return self._refused.names

    def defaults(self) -> dict[str, Any]:
        """Return the parameters of a call that sets none."""
        params = {**DEFAULT_PARAMS, **self.given}
        return {**params, "max_tokens": self._limit(params, None)}

    def resolve(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters to send. The latest are cached, since most calls have the same.

        Args:
            params: the parameters of a call; `max_tokens` is the limit that the technique sets, or None.

        Raises:
            UsageError: a parameter is unknown or invalid, or named like a key.
        """
        last, last_text, resolved = self._latest
        if params == last and str(params) == last_text:
            return resolved
        for name, value in params.items():
            if wrong := find_wrong_value(name, value):
                raise UsageError(wrong)
        # Without max_tokens a budget has no worst case.
        max_tokens = self._limit(params, params["max_tokens"])
        settings = {
            name: float(value) if name in _FRACTIONS else value
            for name, value in {**params, "max_tokens": max_tokens}.items()
            if value is not None
        }
        if not isinstance(max_tokens, int | float) or max_tokens < 1:
            raise UsageError(f"max_tokens must be at least 1, got {max_tokens!r}")
        if settings.get("thinking_tokens", 0) >= max_tokens:
            raise UsageError(
                f"max_tokens must be greater than thinking_tokens, which count towards it, got {max_tokens} and "
                f"{settings['thinking_tokens']}"
            )
        names = frozenset(settings)
        if names not in self._validated or "extra_body" in names:
            validate_params(settings, "of a call")
            self._validated.add(names)
        resolved = self.traits.apply(settings)
        self._latest = params, str(params), resolved
        return resolved

    def learn_refused(self, request: Request, setting: str) -> None:
        """Leave out a setting of a request that the model has refused, or rename it."""
        is_field = setting not in request.sampling and setting in request.sampling.get("extra_body", ())
        self._refused.learn(f"extra_body.{setting}" if is_field else setting)
        self._latest = {}, "", {}

    def assume_refused(self, settings: Iterable[str]) -> None:
        """Leave settings out that the model has refused in an earlier run, as `refused` returned them."""
        self._refused.assume(settings)
        self._latest = {}, "", {}

    def tell_of_thoughts(self, request: Request) -> None:
        """Tell the user once that a model thinks, if nothing says so: its replies have no room for thoughts."""
        if self._has_told_of_thoughts or self.traits.reasons(request.sampling):
            return
        self._has_told_of_thoughts = True
        used = f"{self._model} used up the limit of {request.max_tokens:,} tokens by thinking"
        if self.traits.reasons_by_default:
            _log.notify(
                f"{used}, although the settings of the call switch its thinking off: the model, its server or its chat "
                "template does not follow them. Leave them out to give its replies room for thoughts"
            )
        else:
            _log.notify(
                f"{used}, and no table of models says that it thinks. To give its replies room for thoughts, write "
                f"reasons_by_default = true below {table_for(self._model)} in {users_path()}"
            )

    def _limit(self, sampling: Mapping[str, Any], own: Any) -> Any:
        """Return the `max_tokens` of a call.

        A limit of a technique is for the text of the answer. A model that reasons before it answers counts
        both, so it gets room for its reasoning on top, or the limit that the user gave if that is larger.

        Args:
            sampling: all parameters of the call.
            own: the limit that the technique sets; None for none.
        """
        given = self.given.get("max_tokens")
        if self.traits.reasons(sampling):
            room = sampling.get("thinking_tokens") or self.traits.thinking_tokens
            if own is None:
                return DEFAULT_PARAMS["max_tokens"] + room if given is None else given
            if given is None:
                return own + room
            return max(own, given)
        if own is not None:
            return own
        return DEFAULT_PARAMS["max_tokens"] if given is None else given
