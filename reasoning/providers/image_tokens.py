"""The prompt tokens of a picture, by the formulas that providers publish."""

from __future__ import annotations

import math

from reasoning.images import Image

_LARGEST = 16_384
"""The most tokens of a picture by default among open models (Qwen2-VL, Wang et al. 2024, arXiv 2409.12191)."""
_OPENAI: dict[str, tuple[int, int] | float] = {
    "gpt-4o-mini": (2833, 5667),
    "gpt-4o": (85, 170),
    "gpt-4-turbo": (85, 170),
    "gpt-4.5": (85, 170),
    "gpt-4.1": (85, 170),
    "gpt-4.1-mini": 1.62,
    "gpt-4.1-nano": 2.46,
    "gpt-5": (70, 140),
    "gpt-5-mini": 1.62,
    "gpt-5-nano": 2.46,
    "o1": (75, 150),
    "o3": (75, 150),
    "o4-mini": 1.72,
}
"""By the beginning of a model's name: the tokens of a picture and of each tile, or those of each patch."""


def image_tokens(image: Image, model: str) -> int:
    """Return the prompt tokens of a picture, as far as they are known; else an upper bound.

    Args:
        image: the picture. The size of one behind a URL is not known, and is taken to be large.
        model: the model's name, with or without a provider.

    Source:
        OpenAI, "Images and vision", section "Calculating costs" (platform.openai.com/docs/guides/images-vision):
        tiles of 512 pixels after scaling into 2,048 × 2,048 and to 768 on the short side, or patches of 32
        pixels. Anthropic, "Vision" (platform.claude.com/docs/en/build-with-claude/vision): width · height / 750;
        the bound allows for the 4,784 tokens of newer models. Google, "Understand and count tokens"
        (ai.google.dev/gemini-api/docs/tokens): 258 up to 384 pixels, else 258 for each tile of 768; the bound
        allows for at least 1,120, the default of Gemini 3. All others: a token for each patch of 14 pixels, at
        least the 2,880 of LLaVA-NeXT and at most the 16,384 of Qwen2-VL.

    Examples:
        >>> square = Image(sha256="0" * 64, media_type="image/png", width=1024, height=1024)
        >>> image_tokens(square, "openai/gpt-4o"), image_tokens(square, "anthropic/claude-sonnet-4-5")
        (765, 1399)
    """
    name = model.rpartition("/")[2].lower()
    width, height = (image.width, image.height) if image.width and image.height else (8192, 3072)
    known = max((one for one in _OPENAI if name.startswith(one)), key=len, default="")
    if known:
        return _openai_tokens(_OPENAI[known], width, height)
    if "claude" in name:
        return min(4784, max(math.ceil(width * height / 750), _tiles(width, height, 28)))
    if "gemini" in name:
        return max(1120, 258 * _tiles(width, height, 768))
    return min(_LARGEST, max(2880, _tiles(width, height, 14)))


def _openai_tokens(rule: tuple[int, int] | float, width: int, height: int) -> int:
    if not isinstance(rule, tuple):
        return math.ceil(min(1536, _tiles(width, height, 32)) * rule)
    scale = min(1.0, 2048 / max(width, height))
    scale *= min(1.0, 768 / (min(width, height) * scale))
    return rule[0] + rule[1] * _tiles(math.ceil(width * scale), math.ceil(height * scale), 512)


def _tiles(width: int, height: int, side: int) -> int:
    return -(-width // side) * -(-height // side)
