"""Views of traces, answers and prompts: a rich tree for the terminal, HTML for a notebook. All data is escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reasoning.images import Image
from reasoning.repetition import repeats_itself
from reasoning.sandbox.program_in_text import claims_output
from reasoning.short_repr import shorten
from reasoning.tables import escape_html as escape
from reasoning.text_safety import strip_control
from reasoning.tool_calls import plain_thoughts
from reasoning.trace import Call, Event, Note, ToolCall, Trace, format_tool_call

if TYPE_CHECKING:
    from rich.tree import Tree

    from reasoning.answer import Answer
    from reasoning.messages import Completion, Message, Usage
    from reasoning.problem import Problem
    from reasoning.prompts import Prompt
    from reasoning.voting import Vote


_MAX_IMAGE_BYTES = 2_000_000
"""The largest image that a notebook shows: its output is part of the file."""


def cost(usage: Usage) -> str:
    """Return a usage as text: "3 calls · 512 + 140 tokens · $0.0021 · 4.2 s"."""
    return str(usage)


def _cost_of(trace: Trace) -> str:
    """Return the usage of a trace; calls without any are those of a log that does not record it."""
    usage = trace.usage
    return cost(usage) if usage.calls or not any(trace.calls()) else "usage not recorded"


def describe_spending(spent: Usage, used: Usage, before: Usage, interrupted: Usage, left: str) -> str:
    """Return lines about the cost of a command.

    They have no seconds: those of a usage are summed over concurrent calls, and would be read as the command's time.

    Args:
        spent: the usage that it paid for.
        used: the usage of its results, with draws of the journal.
        before: the spending of the run's earlier commands.
        interrupted: the worst case of those of their calls whose end is not known.
        left: what is left of the budget; empty without a budget.
    """
    spent, used = spent.with_seconds(0), used.with_seconds(0)
    lines = [f"spent now: {cost(spent) if spent.calls else 'nothing'}"]
    if spent.calls < used.calls:
        lines[0] += f"; without the journal: {cost(used)}"
    if before.calls:
        lines.append(f"spent by earlier commands of this run: {cost(before.with_seconds(0))}")
        if interrupted.calls:
            lines[-1] += f", of which at most {cost(interrupted.with_seconds(0))} for calls that were interrupted"
    if left:
        lines.append(f"left of the budget: {left}")
    return "\n".join(lines)


def _about(draw: Completion) -> str:
    # The reply in a log of another tool may have no usage of its own.
    marks = [f"{draw.usage.completion_tokens} tokens", f"{draw.usage.seconds:.1f} s"] if draw.usage.calls else []
    if draw.usage.reasoning_tokens:
        marks[0] += f", {draw.usage.reasoning_tokens} of them thought"
    if draw.usage.usd is not None:
        marks.append(f"${draw.usage.usd:.4f}")
    if draw.usage.cached_tokens:
        marks.append(f"{draw.usage.cached_tokens} of the prompt's tokens from a prefix cache")
    if draw.usage.cache_write_tokens:
        marks.append(f"{draw.usage.cache_write_tokens} of them written to it")
    if draw.retries:
        marks.append(f"after {draw.retries} failed attempt{'' if draw.retries == 1 else 's'}")
    if draw.truncated:
        marks.append("cut off by max_tokens")
        if repeats_itself(draw):
            marks.append("repeats itself")
    if claims_output(draw.text):
        marks.append("states the output of a program that had not run")
    if not draw.is_new:
        marks.append("from the journal")
    if draw.key:
        marks.append(f"draw {draw.key[:8]}#{draw.draw}")
    return ", ".join(marks)


def _describe_tool_call(event: ToolCall) -> str:
    """Return the use of a tool as a call expression, with its duration unless the journal had its result."""
    about = f"{event.seconds:.1f} s" if event.is_new else "from the journal"
    call = format_tool_call(event.name, event.arguments)
    return f"{call}  [{about}{', an error' if event.error else ''}]"


def trace_tree(trace: Trace) -> Tree:
    """Return a trace as a tree of its requests and replies."""
    from rich.text import Text
    from rich.tree import Tree

    shown: set[tuple[Message, ...]] = set()

    def grow(tree: Tree, stage: Trace) -> None:
        for event in stage.events:
            if isinstance(event, Trace):
                grow(tree.add(Text(strip_control(event.name), style="bold")), event)
            elif isinstance(event, Note):
                tree.add(Text(strip_control(event.text), style="yellow"))
            elif isinstance(event, ToolCall):
                branch = tree.add(Text.assemble(("tool  ", "blue"), strip_control(_describe_tool_call(event))))
                branch.add(Text(strip_control(event.result.strip()), style="red" if event.error else ""))
            else:
                call(tree, event)

    def call(tree: Tree, event: Call) -> None:
        settings = ", ".join(f"{name}={value}" for name, value in event.sampling.items())
        branch = tree.add(Text(f"call ({settings})", style="dim"))
        known = next((i for i in range(len(event.messages), 0, -1) if event.messages[:i] in shown), 0)
        # Turns that the tree already shows are not repeated: demonstrations, earlier stages, other samples' prompt.
        if known:
            branch.add(Text(f"{known} turn{'' if known == 1 else 's'} as above", style="dim"))
        for turn in event.messages[known:]:
            for image in turn.images:
                branch.add(Text.assemble((f"{turn.role}  ", "cyan"), (f"image: {strip_control(str(image))}", "dim")))
            branch.add(Text.assemble((f"{turn.role}  ", "cyan"), strip_control(turn.content)))
        shown.update(event.messages[:i] for i in range(1, len(event.messages) + 1))
        for draw in event.completions:
            if draw.reasoning:
                branch.add(Text.assemble(("reasoning  ", "magenta"), strip_control(plain_thoughts(draw.reasoning))))
            branch.add(
                Text.assemble(("model  ", "green"), strip_control(draw.text.strip()), (f"  [{_about(draw)}]", "dim"))
            )

    root = Tree(Text.assemble((trace.name, "bold"), (f"  {_cost_of(trace)}", "dim")))
    grow(root, trace)
    return root


def answer_tree(answer: Answer) -> Tree:
    """Return the trace of an answer as a tree, with its votes as bars at the end."""
    from rich.text import Text
    from rich.tree import Tree

    root = trace_tree(answer.trace) if answer.trace else Tree(Text(strip_control(answer.state), style="bold"))
    if answer.votes:
        branch = root.add(Text("votes", style="bold"))
        for share, candidate, about, wins in vote_bars(answer.votes):
            bar = "█" * round(20 * share) or "▏"
            branch.add(
                Text.assemble((bar, "green" if wins else "dim"), f" {strip_control(candidate)}", (f"  {about}", "dim"))
            )
        for remark in answer.votes.notes:
            branch.add(Text(strip_control(remark), style="yellow"))
    return root


def vote_bars(votes: Vote) -> list[tuple[float, str, str, bool]]:
    """Return each candidate's share, value, votes as text, and whether it wins or ties with the winner."""
    rows = []
    for rank, (candidate, share) in enumerate(zip(votes.candidates, votes.shares, strict=True)):
        weight = f", weight {candidate.weight:.3g}" if votes.weighted else ""
        is_tied = votes.tied and rank < len(votes.winners)
        about = f"{len(candidate.draws)}{weight} · {share:.0%}{' · tied' if is_tied else ''}"
        rows.append((share, str(candidate.value), about, rank < len(votes.winners) and not votes.abstained))
    return rows


_STYLE = (
    "<style>.rsn{font:13px/1.45 system-ui,sans-serif}.rsn details{margin:.15em 0 .15em 1em}"
    ".rsn pre{white-space:pre-wrap;margin:.2em 0 .2em 1em;padding:.3em .6em;border-left:3px solid #8888;"
    "background:#8881}.rsn .said{border-color:#2a9d5c}.rsn .note{color:#b8860b;margin-left:1em}"
    ".rsn .bar{display:inline-block;height:.7em;background:#2a9d5c}.rsn .dim{opacity:.65}</style>"
)


def trace_html(trace: Trace) -> str:
    """Return a trace as nested, collapsible parts."""
    return f'{_STYLE}<div class="rsn">{_stage_html(trace, open_=True, about=_cost_of(trace))}</div>'


def _stage_html(stage: Trace, *, open_: bool = False, about: str = "") -> str:
    inner = "".join(_event_html(event) for event in stage.events)
    dim = f' <span class="dim">{escape(about)}</span>' if about else ""
    return f"<details{' open' if open_ else ''}><summary><b>{escape(stage.name)}</b>{dim}</summary>{inner}</details>"


def _event_html(event: Event) -> str:
    if isinstance(event, Trace):
        return _stage_html(event)
    if isinstance(event, ToolCall):
        summary = f"<summary class=dim>{escape(_describe_tool_call(event))}</summary>"
        return f"<details open>{summary}<pre>{escape(event.result)}</pre></details>"
    if isinstance(event, Note):
        return f'<div class="note">{escape(event.text)}</div>'
    request = "".join(map(_turn_html, event.messages))
    replies = "".join(
        (
            "<details><summary class=dim>reasoning</summary>"
            f"<pre>{escape(plain_thoughts(draw.reasoning))}</pre></details>" * bool(draw.reasoning)
        )
        + f'<pre class="said">{escape(draw.text)}</pre><span class="dim">{escape(_about(draw))}</span>'
        for draw in event.completions
    )
    settings = ", ".join(f"{name}={value}" for name, value in event.sampling.items())
    return f"<details><summary class=dim>request ({escape(settings)})</summary>{request}</details>{replies}"


def _turn_html(turn: Message) -> str:
    images = "".join(map(image_html, turn.images))
    return f"<div class=dim>{escape(turn.role)}</div>{images}<pre>{escape(turn.content)}</pre>"


def image_html(image: Image) -> str:
    """Return a picture, small, with its name and size; one with a URL, or a large one, by its name alone."""
    shown = ""
    if image.data and len(image.data) <= _MAX_IMAGE_BYTES:
        shown = f'<img src="{escape(image.address)}" alt="" style="max-width:100%;max-height:16em">'
    return f'<div>{shown}<div class="dim">{escape(str(image))}</div></div>'


def problem_html(problem: Problem) -> str:
    """Return a problem: its images, what a prompt shows of it, and its kind."""
    images = "".join(image_html(Image.of(image)) for image in problem.images)
    text = f"<pre>{escape(problem.values()['problem'])}</pre>"
    return f'{_STYLE}<div class="rsn">{images}{text}<div class="dim">{escape(repr(problem.kind))}</div></div>'


def answer_html(answer: Answer) -> str:
    """Return an answer: its value, confidence and cost, its votes as bars, the steps of a chain, and its trace."""
    value: Any = getattr(answer, "value", None)
    head = f"<b>{escape(str(value))}</b>" if answer.state == "answered" else escape(f"{answer.state}: {answer.reason}")
    confidence = "" if answer.confidence is None else f"confidence {answer.confidence:.0%} · "
    head += f' <span class="dim">{confidence}{escape(cost(answer.usage))}</span>'
    bars = _votes_html(answer.votes) if answer.votes else ""
    steps = "".join(
        f"<div><span class=dim>{escape(name)}</span> {escape(shorten(result, 300))}</div>"
        for name, result in answer.steps.items()
    )
    trace = _stage_html(answer.trace) if answer.trace else f'<pre class="said">{escape(answer.text[:1000])}</pre>'
    return f'{_STYLE}<div class="rsn"><div>{head}</div>{bars}{steps}{trace}</div>'


def votes_html(votes: Vote) -> str:
    """Return the candidates of a vote as bars, and notes about a tie or an abstention."""
    return f'{_STYLE}<div class="rsn">{_votes_html(votes)}</div>'


def _votes_html(votes: Vote) -> str:
    bars = "".join(
        f'<div><span class="bar" style="width:{10 * share:.2f}em{"" if wins else ";opacity:.4"}"></span> '
        f"{escape(candidate)} <span class=dim>{escape(about)}</span></div>"
        for share, candidate, about, wins in vote_bars(votes)
    )
    return bars + "".join(f'<div class="note">{escape(remark)}</div>' for remark in votes.notes)


def prompt_html(prompt: Prompt) -> str:
    """Return a prompt's form, length and sections, with its placeholders unfilled and marked."""
    from reasoning.token_estimate import estimate_turns

    sections = {**prompt.sections, "Input": prompt.input, "Recap": prompt.recap}
    shown = "".join(
        f"<div class=dim>{escape(title)}</div><pre>{_placeholders(escape(text))}</pre>"
        for title, text in sections.items()
        if text
    )
    demos = "".join(
        f"<pre>{escape(example.input)}</pre><pre class=said>{escape(example.reply)}</pre>"
        for example in prompt.examples
    )
    if demos:
        title = f"{len(prompt.examples)} demonstration{'' if len(prompt.examples) == 1 else 's'}"
        shown += f"<details><summary>{title}</summary>{demos}</details>"
    filled = prompt.fill(**dict.fromkeys(prompt.placeholders, ""))
    about = f"tokens before anything is filled in: about {estimate_turns(filled.messages)}"
    return f'{_STYLE}<div class="rsn"><div class=dim>{prompt.form}, {prompt.turns} · {about}</div>{shown}</div>'


def _placeholders(text: str) -> str:
    from reasoning.prompts import PLACEHOLDER

    return PLACEHOLDER.sub(lambda match: f"<b>{match[0]}</b>" if match[2] else match[0], text)
