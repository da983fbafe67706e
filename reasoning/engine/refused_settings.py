"""The settings that a model refuses, learned from its server's errors or in an earlier run."""

from __future__ import annotations

import json
from collections.abc import Iterable

from reasoning.logs import Log
from reasoning.providers import model_table
from reasoning.providers.model_traits import ModelTraits

_LIMIT_NAMES = frozenset(["max_tokens", "max_completion_tokens"])
"""The names of the limit on the tokens of a completion."""
_log = Log(__name__)


class RefusedSettings:
    """The settings that a model has refused, and its traits without them.

    Args:
        model: the model's name.
        traits: its traits before.

    Attributes:
        traits: its traits, which leave out or rename the settings.
    """

    def __init__(self, model: str, traits: ModelTraits) -> None:
        self.traits = traits
        self._model = model
        self._refused: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The settings, sorted."""
        return tuple(sorted(self._refused))

    def assume(self, settings: Iterable[str]) -> None:
        """Leave out settings that the model has refused in an earlier run, as `names` returned them."""
        for setting in settings:
            self._add(setting)

    def learn(self, setting: str) -> None:
        """Leave out a setting that the model refuses, or rename it, and notify the user once."""
        if not self._add(setting):
            return
        change = "left out from now on, so that the server's default applies"
        if setting in _LIMIT_NAMES:
            [other] = _LIMIT_NAMES - {setting}
            change = f"sent as {other} from now on"
        _log.notify(
            f"{self._model} does not take {setting}: it is {change}. To do so from the start, write "
            f"{' and '.join(self._lines())} below {model_table.table_for(self._model)} in "
            f"{model_table.users_path()}"
        )

    def _add(self, setting: str) -> bool:
        """Add a setting, and return whether that changes the traits."""
        if setting in self._refused:
            return False
        self._refused.add(setting)
        if setting in _LIMIT_NAMES and self._refused.issuperset(_LIMIT_NAMES):
            # It refuses both names, and a budget needs a limit.
            return False
        self.traits = self.traits.without(setting)
        return True

    def _lines(self) -> list[str]:
        """Return the lines of a table of models that say what has been learned."""
        lines = list[str]()
        if self._refused - _LIMIT_NAMES:
            lines.append(f"drop = [{', '.join(json.dumps(name) for name in sorted(self.traits.drop))}]")
        if self._refused & _LIMIT_NAMES:
            pairs = [f"{old} = {json.dumps(new)}" for old, new in self.traits.rename.items()]
            lines.append(f"rename = {{ {', '.join(pairs)} }}")
        return lines
