"""Thoughts in replies: the fields, blocks, tags and channels in which servers send them.

Only what is surely thought is split from the text. A technique may ask for tags itself, and code may mention them:
such tags stay in the text, where the parsers of answers know them.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from reasoning.messages import Message, Token
from reasoning.tool_calls import NativeCall

# Qwen, DeepSeek and others; Mistral's Magistral; Kimi.
_TAG = re.compile(r"<(/?)think>|\[(/?)THINK\]|◁(/?)think▷", re.IGNORECASE)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_QUOTES = frozenset("'\"`“”‘’«»")
# https://cookbook.openai.com/articles/openai-harmony
_HARMONY = re.compile(r"\s*(?:<\|start\|>assistant)?(?:<\|channel\|>|analysis<\|message\|>)")
_CHANNEL = re.compile(
    r"(?:<\|channel\|>)?+(\w{1,20}+)([^<]{0,200}+)(?:<\|constrain\|>[^<]{0,200}+)?+<\|message\|>"
    r"(.*?)(?:<\|(?:end|return|call)\|>|(?=<\|(?:start|channel)\|>)|\Z)",
    re.DOTALL,
)
_RECIPIENT = re.compile(r"to=(?:functions\.)?([\w.-]+)")
# The same without special tokens, as servers decode it that leave them out.
_BARE_ANALYSIS = re.compile(r"analysis(?=[A-Z])")
_BARE_FINAL = re.compile(r"assistantfinal(?=[A-Z0-9\W])")


class Split(NamedTuple):
    """A reply without its thoughts.

    Attributes:
        text: the rest of the reply.
        thoughts: the thoughts, or "".
        calls: the calls of tools that raw channels hold.
    """

    text: str
    thoughts: str = ""
    calls: tuple[NativeCall, ...] = ()


def split_thoughts(text: str, *, truncated: bool = False, messages: Sequence[Message] = ()) -> Split:
    """Split a reply into text and thoughts.

    An opening tag may be missing, since many chat templates begin the reply with it, and a closing tag, since the
    reply was cut off within its thoughts.

    Args:
        text: the reply as the server sent it.
        truncated: whether the limit on tokens cut it off.
        messages: the turns of the request. If one of the system or the user has such a tag, the reply may
            follow it, and is not split.

    Examples:
        >>> split_thoughts("<think>2 + 2</think>The answer is 4.")
        Split(text='The answer is 4.', thoughts='2 + 2', calls=())
        >>> split_thoughts("<|channel|>analysis<|message|>2 + 2<|end|><|start|>assistant<|channel|>final<|message|>4")
        Split(text='4', thoughts='2 + 2', calls=())
    """
    if "<|" in text and _HARMONY.match(text):
        return _split_channels(text)
    if _BARE_ANALYSIS.match(text) and (final := _BARE_FINAL.search(text)):
        return Split(text[final.end() :].strip(), text[len("analysis") : final.start()].strip())
    if ("<" not in text and "[" not in text and "◁" not in text) or _TAG.search(text) is None:
        return Split(text)
    if any(turn.role != "assistant" and _mentions_tag(turn.content) for turn in messages):
        return Split(text)
    return _split_tags(text, truncated)


def read_thoughts(message: Mapping[str, Any]) -> str:
    """Return the thoughts that a message of the chat completions API has in fields of their own.

    These are `reasoning_content` (DeepSeek, vLLM, llama.cpp, litellm), `reasoning` (OpenRouter, Groq, Ollama), and
    `thinking_blocks` (Anthropic's, as litellm passes them on).
    """
    for name in ("reasoning_content", "reasoning"):
        if isinstance(thoughts := message.get(name), str) and thoughts:
            return thoughts
    return "\n".join(block["thinking"] for block in read_blocks(message) if isinstance(block.get("thinking"), str))


def read_blocks(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the thinking blocks of a message that a later turn must give back: those with a signature or hidden."""
    blocks = message.get("thinking_blocks")
    listed = blocks if isinstance(blocks, list) else ()
    return [dict(block) for block in listed if isinstance(block, Mapping) and block.get("type") in _BLOCKS]


_BLOCKS = ("thinking", "redacted_thinking")


def join_parts(parts: Iterable[Any]) -> tuple[str | None, str]:
    """Return the text of typed parts, None if no part has a text, and the text of their thoughts.

    Raises:
        ValueError, AttributeError: a part is malformed.
    """
    texts, thoughts = list[str](), list[str]()
    for part in parts:
        text = part if isinstance(part, str) else part.get("text")
        if isinstance(text, str):
            texts.append(text)
        elif isinstance(thought := part.get("thinking"), str | list):
            thoughts.append(thought if isinstance(thought, str) else join_parts(thought)[0] or "")
        elif text is not None:
            raise ValueError(f"the text of a part must be a text, got {text!r:.100}")
    return "".join(texts) if texts else None, "".join(thoughts)


def tokens_of_text(tokens: tuple[Token, ...], text: str) -> tuple[Token, ...]:
    """Return the tokens of the text, without those of thoughts before it; all of them if they do not hold the text."""
    whole = "".join(token.text for token in tokens)
    start = whole.rfind(text) if text else len(whole)
    if start <= 0:
        return tokens
    position = 0
    for index, token in enumerate(tokens):
        position += len(token.text)
        if position > start:
            return tokens[index:]
    return ()


def _split_tags(text: str, truncated: bool) -> Split:
    tags = list(_TAG.finditer(text))
    starts = not text[: tags[0].start()].strip() and not _closes(tags[0])
    spans = _CODE.finditer(text)
    code = [end for span in spans for end in span.span()]
    # An odd place among the ends of code is within code.
    outside = [tag for tag in tags if not bisect_right(code, tag.start()) % 2 and not _is_quoted(text, tag)]
    if starts and (not outside or outside[0] is not tags[0] or not any(map(_closes, outside))):
        # The reply begins with thoughts, which may have an odd mark of code.
        outside = [tags[0], *[tag for tag in tags[1:] if _closes(tag)][:1]]
    if not outside:
        return Split(text)
    if not starts and not _closes(outside[0]) and not _begins_line(text, outside[0].start()):
        return Split(text)
    kept, thoughts = list[str](), list[str]()
    position, inside = 0, False
    for index, tag in enumerate(outside):
        if _closes(tag):
            if not inside:
                # What came before it was thought: the opening tag is missing.
                thoughts += kept
                kept.clear()
            thoughts.append(text[position : tag.start()])
            position, inside = tag.end(), False
        elif not inside:
            closed = index + 1 < len(outside) and _closes(outside[index + 1])
            if not closed and index and not (truncated and _begins_line(text, tag.start())):
                continue
            kept.append(text[position : tag.start()])
            position, inside = tag.end(), True
    (thoughts if inside else kept).append(text[position:])
    return Split("".join(kept).strip(), "\n".join(filter(None, map(str.strip, thoughts))))


def _closes(tag: re.Match[str]) -> bool:
    return any(tag.groups())


def _begins_line(text: str, position: int) -> bool:
    return not text[text.rfind("\n", 0, position) + 1 : position].strip()


def _is_quoted(text: str, tag: re.Match[str]) -> bool:
    before, after = text[tag.start() - 1 : tag.start()], text[tag.end() : tag.end() + 1]
    return before in _QUOTES and after in _QUOTES


def _mentions_tag(text: str) -> bool:
    return ("<" in text or "[" in text or "◁" in text) and _TAG.search(text) is not None


def _split_channels(text: str) -> Split:
    """Split the raw channels of gpt-oss, of which some may be missing or cut off."""
    texts, thoughts, calls = list[str](), list[str](), list[NativeCall]()
    for segment in _CHANNEL.finditer(text):
        name, header, content = segment[1].lower(), segment[2], segment[3].strip()
        if recipient := _RECIPIENT.search(header):
            calls.append(NativeCall(recipient[1], _arguments(content)))
        else:
            (thoughts if name == "analysis" else texts).append(content)
    return Split("\n".join(filter(None, texts)), "\n".join(filter(None, thoughts)), tuple(calls))


def _arguments(content: str) -> Mapping[str, Any] | str:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return content
    return value if isinstance(value, dict) else content
