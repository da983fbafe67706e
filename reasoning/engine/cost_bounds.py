"""Bounds on the usage of a call before it is sent, from its request and from what was reported before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from urllib.parse import urlsplit

from reasoning.errors import PriceUnknown
from reasoning.messages import Request, Usage
from reasoning.providers import model_table
from reasoning.providers.base_url import is_local
from reasoning.providers.image_tokens import image_tokens

Price = Callable[[Usage], float | None]
"""Computes the US dollars of a usage; None if the price is not known."""
_MAX_TEMPLATE_TOKENS = 8192
"""The tokens of a provider's own template that are expected before the first usage is reported."""


class CostBounds(NamedTuple):
    """The bounds of one call, as far as they follow from its request.

    Attributes:
        model: the endpoint and the name of the model.
        prompt: the maximum number of prompt tokens, without the provider's template.
        max_tokens: the maximum number of completion tokens of one draw.
        price: computes dollars; None if dollars are not limited.
    """

    model: tuple[str | None, str]
    prompt: int
    max_tokens: int
    price: Price | None

    @classmethod
    def of(cls, request: Request, price: Price | None) -> CostBounds:
        """Return the bounds of a request."""
        return cls((request.endpoint, request.model), max_prompt_tokens(request), request.max_tokens, price)

    def priced(self, usage: Usage, factor: float = 1.0) -> Usage:
        """Return the usage, with its price if dollars are limited.

        Raises:
            PriceUnknown: the price is not known.
        """
        if self.price is None:
            return usage
        if (usd := self.price(usage)) is None:
            raise unknown_price(*self.model)
        return replace(usage, usd=usd * factor)


@dataclass
class Excess:
    """The most that calls of one model have used above the bounds of their requests.

    Attributes:
        prompt: the most prompt tokens above the bound.
        largest: the size class of the longest prompt seen.
        completion: the most tokens of a draw above `max_tokens`.
        longest: the most tokens of a draw that had more than `max_tokens`.
        price: the greatest ratio of the reported price and the expected one.
    """

    prompt: int = 0
    largest: int = 0
    completion: int = 0
    longest: int = 0
    price: float = 1.0


@dataclass
class LearnedBounds:
    """Bounds that grow with every usage above them.

    Attributes:
        version: changes whenever a bound has grown.
    """

    version: int = 0
    _models: dict[tuple[str | None, str], Excess] = field(default_factory=dict)

    def bounds(self, call: CostBounds, draws: int) -> tuple[Usage, Usage]:
        """Return two upper bounds on the usage of a call: a likely one, and a certain one.

        The likely bound adds the most that the model has used above the bounds of a request. The
        certain bound allows for more where that may not be enough: 8,192 prompt tokens if no usage
        has been reported; an excess in proportion to the prompt if all prompts so far were shorter;
        and twice the tokens of a draw if draws exceed `max_tokens`, as hidden reasoning does.

        Raises:
            PriceUnknown: dollars are limited, and the price is not known.
        """
        prompt, each = call.prompt, call.max_tokens
        if (seen := self._models.get(call.model)) is None:
            likely = call.priced(Usage(draws, prompt, each * draws))
            return likely, call.priced(Usage(draws, prompt + _MAX_TEMPLATE_TOKENS, each * draws))
        most = prompt + seen.prompt
        if seen.prompt and (longer := _size_class(prompt) - seen.largest) > 0:
            most += seen.prompt << longer
        more = each
        if seen.completion:
            each = max(each + seen.completion, seen.longest)
            more = 2 * each
        likely = call.priced(Usage(draws, prompt + seen.prompt, each * draws), seen.price)
        if most == likely.prompt_tokens and more == each:
            return likely, likely
        return likely, call.priced(Usage(draws, most, more * draws), seen.price)

    def learn(self, call: CostBounds, draws: int, used: Usage) -> Excess | None:
        """Raise the bounds of a model to a reported usage; a missing count is 0, and raises nothing.

        Returns:
            The new bounds of the model if they have grown, else None.
        """
        if (seen := self._models.get(call.model)) is None:
            seen = self._models[call.model] = Excess()
        grown = False
        if used.prompt_tokens:
            if (size := _size_class(call.prompt)) > seen.largest:
                seen.largest = size
            if (excess := used.prompt_tokens - call.prompt) > seen.prompt:
                seen.prompt, grown = excess, True
        if used.completion_tokens > call.max_tokens * draws:
            each = -(-used.completion_tokens // draws)
            if each - call.max_tokens > seen.completion or each > seen.longest:
                seen.completion, grown = max(seen.completion, each - call.max_tokens), True
                seen.longest = max(seen.longest, each)
        expected = call.price(used) if call.price is not None and used.usd else None
        # Sums of floats differ in their last digits.
        if expected and used.usd and (ratio := round(used.usd / expected, 6)) > seen.price:
            seen.price, grown = ratio, True
        if not grown:
            return None
        self.version += 1
        return seen

    def restore(self, model: tuple[str | None, str], excess: Excess) -> None:
        """Set the bounds of a model as `learn` returned them."""
        self._models[model] = excess
        self.version += 1

    def update(self, other: LearnedBounds) -> None:
        """Add the bounds of models that are not known here."""
        for model, excess in other._models.items():
            self._models.setdefault(model, excess)


def unknown_price(endpoint: str | None, model: str) -> PriceUnknown:
    """Return the error of a budget in dollars without a price, with the lines of a `models.toml` that give it."""
    from reasoning.providers.pricing import advise_name

    where = f" at {endpoint}" if endpoint else ""
    if endpoint and is_local(urlsplit(endpoint).hostname):
        lines, hint = ("input = 0", "output = 0"), "0 is the price of a server of your own"
    else:
        lines, hint = ("input = PRICE", "output = PRICE"), "write numbers for PRICE"
    table = model_table.table_for(model, *lines).replace("\n", "\n    ")
    advice = advise_name(model, endpoint)
    return PriceUnknown(
        f"no price is known for {model}{where}, so a budget in dollars cannot hold{advice}. If the name is right, "
        f"give its price in US dollars per million tokens in {model_table.users_path()}:\n\n    {table}\n\n"
        f"({hint}), or limit tokens or calls instead of dollars"
    )


def max_prompt_tokens(request: Request) -> int:
    """Return an upper bound on the prompt's tokens.

    Every token of text is at least one byte; 16 tokens a turn cover the chat template. Pictures are counted by
    the formula of their provider. The schemas of tools and of a structured reply are part of the prompt.
    """
    turns = sum([_count_bytes(turn.content) + 16 for turn in request.messages])
    turns += sum([image_tokens(image, request.model) for turn in request.messages for image in turn.images])
    schemas = [request.sampling[name] for name in ("tools", "response_format") if request.sampling.get(name)]
    return turns + sum(_count_bytes(str(schema)) for schema in schemas)


def _count_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _size_class(tokens: int) -> int:
    """Return a class of prompts: each is of prompts twice as long as those of the one before."""
    return tokens.bit_length()
