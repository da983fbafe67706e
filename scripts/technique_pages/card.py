"""The part of a page that comes from the code alone: the card, the docstring, the parameters and the prompts."""

from __future__ import annotations

from collections.abc import Iterator

from reasoning.call_counts import describe_calls
from reasoning.card import Card
from reasoning.chain import Chain
from reasoning.prompt_overrides import preview_prompts
from reasoning.prompts import Prompt
from reasoning.registry import get, places
from reasoning.strategy import Strategy
from technique_pages.docstring import Docstring, meanings
from technique_pages.markdown import code, fence, folded, link, prose, table
from technique_pages.worked_examples import ExampleSolve


def card_part(name: str, shown_on: ExampleSolve) -> str:
    """Return a technique's page up to its measurements.

    Args:
        name: name of the technique.
        shown_on: the strategy and the problem for which the prompts are filled.
    """
    strategy, card = get(name), get(name).card
    parts = [f"# {title(card)}", *_words(strategy), _facts(strategy, card)]
    if card.use_when:
        parts += [
            "## When to use it",
            f"**Use it when** {prose(card.use_when)}.",
            f"**Avoid it when** {prose(card.avoid_when)}.",
        ]
    return "\n\n".join([*parts, *_parameters(strategy), *_prompts(name, shown_on)]) + "\n"


def title(card: Card) -> str:
    """Return the title of a page; chains share one title, so theirs has the name too."""
    return prose(card.title if card.authors else f"{card.title}: {card.name}")


def papers(card: Card) -> str:
    """Return a card's papers as links."""
    who = " ".join(str(part) for part in (card.authors, card.year) if part)
    where = [f"arXiv {part.strip()}" for part in (card.arxiv or "").split(",") if part]
    return prose(", ".join(part for part in (who, *where, card.doi and f"doi {card.doi}") if part))


def _words(strategy: Strategy) -> list[str]:
    if isinstance(strategy, Chain):
        return [prose(strategy.card.summary), "A chain of prompts: see [chains](../../how-to/chains.md)."]
    return [prose(paragraph) for paragraph in Docstring.of(strategy).paragraphs]


def _facts(strategy: Strategy, card: Card) -> str:
    formula = f"{code(card.calls)}{_in_rounds(strategy)}{f'; {prose(card.counts)}' if card.counts else ''}"
    aliases = ", ".join(map(code, card.aliases))
    source = places()[card.name].rpartition(":")[0].removeprefix("reasoning.").replace(".", "/")
    file = f"{source}/" if isinstance(strategy, Chain) else f"{source}.py"
    facts = {
        "paper": papers(card),
        "in a spec": code(card.name) + (f", also {aliases}" if aliases else ""),
        "calls a problem": describe_calls(strategy) + (_in_rounds(strategy) if card.calls.isdigit() else ""),
        "as a formula": "" if card.calls.isdigit() else formula,
        "tokens saved": prose(getattr(strategy, "saving", "")),
        "answers": _kinds(card),
        "requires, besides a model": prose(", ".join(card.requires)) or "nothing",
        "code": link(code(file), f"../../../{file}"),
    }
    return table(["", ""], [[fact, text] for fact, text in facts.items() if text])


def _kinds(card: Card) -> str:
    """Return the kinds of answer, and those that need no demonstrations of the user's own."""
    given, by_default = (", ".join(code(kind.__name__) for kind in kinds) for kinds in (card.kinds, card.default_kinds))
    shipped = f"; with the shipped demonstrations {by_default}" if by_default else ""
    return f"{given or 'of every kind'}{shipped}"


def _in_rounds(strategy: Strategy) -> str:
    """Return the number of sequential calls, as a phrase after the number of calls."""
    card = strategy.card
    if not card.rounds:
        return ""
    rounds, wraps = card.rounds, any(isinstance(value, Strategy) for _, value in strategy.parameters())
    # A wrapped strategy's name stands for its calls in one expression and for its rounds in the other.
    alike = rounds == card.calls and not wraps
    count = rounds if rounds.isdigit() else "the same number of" if alike else code(rounds)
    return f", in {count} round{'' if rounds == '1' else 's'}"


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


def _prompts(name: str, shown_on: ExampleSolve) -> Iterator[str]:
    sent = preview_prompts(shown_on.strategy, shown_on.problem)
    own_prompts = {
        prompt.removeprefix(f"{name}."): turns for prompt, turns in sent.items() if prompt.startswith(f"{name}.")
    }
    yield "## Prompts"
    yield (
        f"As {code(repr(shown_on.strategy))} fills them for the problem below. The parameters decide which are sent. "
        "Text from earlier replies is shown as a name in braces. "
        f"{code(f'reasoning prompts show {name}')} prints them as written."
    )
    for prompt, turns in (own_prompts or sent).items():  # a wrapper shows its base's prompts
        yield folded(prompt, "\n\n".join(f"{role}\n\n{fence(text)}" for role, text in turns.messages))
