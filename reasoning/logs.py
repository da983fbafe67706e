"""Log records of the package: one line each, without keys and control characters, and silent by default.

Every module logs under its own name below "reasoning". A record above DEBUG holds no text of a prompt or a
reply, and nothing is logged for a call that succeeds.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

from reasoning.secret_scan import mask_secrets
from reasoning.text_safety import to_line

# Without a handler, Python would print warnings of a library on standard error.
logging.getLogger("reasoning").addHandler(logging.NullHandler())


class Log:
    """A logger of one module. Values are made safe only if the record is wanted.

    Args:
        name: the module's name.
    """

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, message: str, *values: Any) -> None:
        """Log what a provider said, which may quote a prompt or a reply."""
        self._log(logging.DEBUG, message, values)

    def info(self, message: str, *values: Any) -> None:
        """Log an event that the library handles, such as a retry."""
        self._log(logging.INFO, message, values)

    def warning(self, message: str, *values: Any) -> None:
        """Log an event that the user should know of."""
        self._log(logging.WARNING, message, values)

    def notify(self, text: str) -> None:
        """Log a warning, and show it to the user: once for each text."""
        self.warning("%s", text)
        warnings.warn(text, stacklevel=2)

    def _log(self, level: int, message: str, values: tuple[Any, ...]) -> None:
        if self._logger.isEnabledFor(level):
            # The caller of this module is the origin of the record.
            self._logger.log(level, message, *map(_make_safe, values), stacklevel=3)


def _make_safe(value: Any) -> Any:
    return value if isinstance(value, int | float) else to_line(mask_secrets(str(value)))
