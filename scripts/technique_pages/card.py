"""The part of a page that comes from the code alone: the card, the docstring, the parameters and the prompts."""

from __future__ import annotations

from collections.abc import Iterator

from reasoning.card import Card
from reasoning.chain import Chain
from reasoning.prompt_overrides import preview_prompts
from reasoning.prompts import Prompt
from reasoning.registry import get, places
from reasoning.strategy import Strategy
from technique_pages.docstring import Docstring, meanings
from technique_pages.markdown import code, fence, folded, link, prose, table
from technique_pages.worked_examples import Shown


def card_part(name: str, on: Shown) -> str:
    """A technique's page up to what was measured.

    Args:
        name: the technique.
        on: what it is shown on: prompts are filled for this problem.
    """
    strategy, card = get(name), get(name).card
    parts = [f"# {title(card)}", *_words(strategy), _facts(strategy, card)]
    if card.use_when:
        parts += ["## When", f"**Use it when** {prose(card.use_when)}.", f"**Not when** {prose(card.avoid_when)}."]
    return "\n\n".join([*parts, *_parameters(strategy), *_prompts(name, on)]) + "\n"


def title(card: Card) -> str:
    """What a page is headed with: chains have one title between them."""
    return prose(card.title if card.authors else f"{card.title}: {card.name}")


def papers(card: Card) -> str:
    """The papers of a card, as links."""
    who = " ".join(str(one) for one in (card.authors, card.year) if one)
    where = [f"arXiv {one.strip()}" for one in (card.arxiv or "").split(",") if one]
    return prose(", ".join(one for one in (who, *where, card.doi and f"doi {card.doi}") if one))


def _words(strategy: Strategy) -> list[str]:
    if isinstance(strategy, Chain):
        return [prose(strategy.card.summary), "Prompts that feed each other: see [chains](../chains.md)."]
    return [prose(one) for one in Docstring.of(strategy).paragraphs]


def _facts(strategy: Strategy, card: Card) -> str:
    least, most = strategy.calls_range()
    spelt = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    calls = f"{code(card.calls)}{_in_waves(strategy)}{f'; {prose(card.counts)}' if card.counts else ''}"
    calls += "" if card.calls.isdigit() else f". With the defaults: {spelt}"
    aliases = ", ".join(map(code, card.aliases))
    source = places()[card.name].rpartition(":")[0].removeprefix("reasoning.").replace(".", "/")
    file = f"{source}/" if isinstance(strategy, Chain) else f"{source}.py"
    facts = {
        "paper": papers(card),
        "in a spec": code(card.name) + (f", also {aliases}" if aliases else ""),
        "calls a problem": calls,
        "tokens saved": prose(getattr(strategy, "saving", "")),
        "answers": ", ".join(code(kind.__name__) for kind in card.kinds) or "of every kind",
        "needs, beside a model": prose(", ".join(card.requires)) or "nothing",
        "code": link(code(file), f"../../{file}"),
    }
    return table(["", ""], [[fact, text] for fact, text in facts.items() if text])


def _in_waves(strategy: Strategy) -> str:
    """How many of the calls follow one another, as a phrase behind their number."""
    card = strategy.card
    if not card.rounds:
        return ""
    waves, wraps = card.rounds, any(isinstance(value, Strategy) for _, value in strategy.parameters())
    alike = waves == card.calls and not wraps  # the name of what is wrapped stands for its calls, then its waves
    many = waves if waves.isdigit() else "as many" if alike else code(waves)
    return f", in {many} wave{'' if waves == '1' else 's'}"


def _parameters(strategy: Strategy) -> Iterator[str]:
    if isinstance(strategy, Chain):
        return
    rows = []
    for name, meaning in meanings(strategy).items():
        value = getattr(strategy, name)
        default = "below" if isinstance(value, Prompt) else code(repr(value))
        rows.append([code(name), default, prose(meaning)])
    yield "## Parameters"
    yield table(["name", "default", "meaning"], rows)


def _prompts(name: str, on: Shown) -> Iterator[str]:
    sent = preview_prompts(on.strategy, on.problem)
    own = {prompt.removeprefix(f"{name}."): turns for prompt, turns in sent.items() if prompt.startswith(f"{name}.")}
    yield "## Prompts"
    yield (
        f"As {code(repr(on.strategy))} fills them for the problem below; which of them go out hangs on the parameters. "
        "What comes from earlier replies stands as a name in braces. "
        f"{code(f'reasoning prompts show {name}')} prints them as they are written."
    )
    for prompt, turns in (own or sent).items():  # a wrapper shows what becomes of its base's
        yield folded(prompt, "\n\n".join(f"{role}\n\n{fence(text)}" for role, text in turns.messages))
