"""Error messages of servers that refuse a setting of a request, or a system turn.

The messages are those of OpenAI, Azure, Mistral, vLLM, Gemini, Anthropic, xAI, Groq and litellm. A setting counts
as refused only if it was sent and the message says that it, and not its value, is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from reasoning.errors import CallFailed, SettingRefused, UsageError
from reasoning.providers import model_table

_BEGINNING = 600
"""Characters of a message that are searched. The rest may quote the prompt."""
_NOT_SETTINGS = frozenset(["model", "messages", "n"])
_WORDS = frozenset(["stop", "seed"])
"""Settings whose names are words of their own, so that they must be quoted or follow the word for a setting."""
_NOUN = r"(?:parameter|argument|field|propert(?:y|ie)|name|key|input|setting)s?"
_AFTER_NOUN = r"(?:^|(?<=: )|(?<=parameter )|(?<=argument )|(?<=field ))"
_RANGE = re.compile(
    r"must be (?!set to 1\b|1\b|unset|omitted)|between|(?:less|greater|larger|smaller|lower|higher) than|"
    r"at (?:most|least)|maximum|minimum|too (?:large|small|high|low|long)|out of range|supported values|[<>]=|[≤≥]",
    re.I,
)
"""The phrases of messages about a value."""
_FIXED = re.compile(
    r"only the default|only \S{0,20}\b1(?:\.0)?\b\S{0,3} is (?:supported|allowed)|"
    r"(?:must|may|can) (?:only )?be (?:set to )?1\b",
    re.I,
)
"""The phrases of messages that allow the default value alone, which is the same as to leave the setting out."""
_SYSTEM_TURN = re.compile(
    r"system role (?:is )?not supported|does not support (?:the )?['\"`]?system|roles must alternate|"
    r"role['\"` :]{1,4}system['\"`]? (?:is )?not (?:supported|allowed)|unexpected role ['\"`]?system|"
    r"system (?:messages?|prompts?|instructions?) (?:is|are) not (?:supported|enabled)|"
    r"instruction is not enabled",
    re.I,
)
SYSTEM_TURN_HINT = (
    "; if the model takes no system turn or no examples as turns, send everything in one turn: "
    "rendered(STRATEGY, turns='single'), or Prompt(turns='single') in a chain"
)


def find_refusal(status: int | None, message: str, text: str, sent: Mapping[str, Any]) -> SettingRefused | None:
    """Return the error of a refused setting, or None if the server complains of something else.

    Args:
        status: the HTTP status; None if a library refused it before it was sent.
        message: the provider's message.
        text: the body of the response.
        sent: the settings that were sent; those in `extra_body` count, too.
    """
    if status not in (None, 400, 422):
        return None
    extra = sent.get("extra_body")
    fields = extra if isinstance(extra, Mapping) else {}
    names = [name for name in (*sent, *fields) if name not in _NOT_SETTINGS and name != "extra_body"]
    name = _named(text, message, names) or _mentioned(message[:_BEGINNING], names)
    if name is None:
        return None
    return SettingRefused(name if name in sent else f"extra_body.{name}", message, status)


def check_tier(model: str, tier: str, error: CallFailed) -> None:
    """Raise a UsageError that ends the run if a server refuses the flex tier, which is no setting to be left out."""
    if tier == "flex" and isinstance(error, SettingRefused) and error.setting == "service_tier":
        refusal = UsageError(f"{model} has no flex tier: leave out flex (--flex); the server said: {error}")
        refusal.ends_run = True
        raise refusal from None


def drop_hint(model: str, status: int | None, message: str, sent: Mapping[str, Any]) -> str:
    """Return how to leave out a setting that an error mentions, or one of those that were sent if it mentions none.

    The text is empty for an error that is not about the request.
    """
    names = [name for name in sent if name not in _NOT_SETTINGS and not name.startswith("max_")]
    name = next((name for name in names if re.search(rf"\b{re.escape(name)}\b", message[:_BEGINNING])), None)
    where = f"below {model_table.table_for(model)} in {model_table.users_path()}"
    if name is not None and status in (None, 400, 422):
        return f"; to leave {name} out, write drop = {json.dumps([name])} {where}"
    if names and status in (400, 422):
        return f"; to leave out a setting that it refuses ({', '.join(names)}), see: reasoning models show {model}"
    return ""


def refuses_system_turn(status: int, message: str, roles: Iterable[str]) -> bool:
    """Return whether a server refuses system turns, or turns that do not alternate."""
    return status in (400, 422, 500) and len(list(roles)) > 1 and bool(_SYSTEM_TURN.search(message[:_BEGINNING]))


def _named(text: str, message: str, names: Iterable[str]) -> str | None:
    """Return the setting that the fields `param` and `code` of an error name."""
    try:
        body = json.loads(text)
        error = body.get("error", body) if isinstance(body, dict) else {}
        param, code = (str(error.get(field) or "") for field in ("param", "code"))
    except (ValueError, RecursionError, AttributeError):
        return None
    if param not in names:
        return None
    if code in ("unsupported_parameter", "unknown_parameter"):
        return param
    return param if code == "unsupported_value" and _FIXED.search(message) else None


def _mentioned(message: str, names: Iterable[str]) -> str | None:
    """Return the first setting that a message says to be unknown or not supported."""
    is_of_value = bool(_RANGE.search(message)) and not _FIXED.search(message)
    found = [(match.start(), name) for name in names if (match := _refused(name).search(message))]
    return None if is_of_value or not found else min(found)[1]


@lru_cache(maxsize=64)
def _refused(name: str) -> re.Pattern[str]:
    """Return the pattern of messages that refuse the setting of this name."""
    # xAI writes presencePenalty for presence_penalty, and Groq "response format".
    spelled = "[_ ]?".join(map(re.escape, name.split("_")))
    bare = rf"\b{spelled}\b"
    quoted = rf"[\"'`]{spelled}\\?[\"'`]"
    it = rf"(?:{quoted}|{_AFTER_NOUN}{bare})" if name in _WORDS else rf"(?:{quoted}|{bare})"
    return re.compile(
        rf"(?:unsupported|unrecognized|unknown|unexpected) (?:\w+ )?{_NOUN}\b[^.;\n]{{0,40}}?{it}"
        rf"|(?:do|does)(?: not|n't) (?:support|accept|allow|recognize|take)\b[^;\n]{{0,60}}?{it}"
        rf"|{_NOUN} (?:is |are )?not supported[^.;\n]{{0,40}}?{it}"
        rf"|{it}[^.;\n]{{0,60}}?(?:not (?:supported|permitted|available|enabled)|un(?:supported|available)\b"
        rf"|deprecated)"
        rf"|{it}[^.;\n]{{0,40}}? does not support [^;\n]{{0,60}}?only the default"
        rf"|invalid schema for {it}"
        rf"|{it}[^.;\n]{{0,20}} (?:may|can|must) (?:only )?be (?:set to )?1\b",
        re.I,
    )
