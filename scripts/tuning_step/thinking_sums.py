"""Examples that teach a model to think about chain sums with the effort that it is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reasoning import strategies
from reasoning.benchmarks.tasks.gym import GymTask
from reasoning.chain.prompt_digest import digest_strategy
from reasoning.messages import Message
from reasoning.tuning.examples.example_file import ExampleFile, ExampleHeader, TrainingExample

TASK = GymTask("chain_sum")
STUDENT = "vanilla"
EFFORTS = ("none", "low", "high")
JUDGED = 500
"""The first problems of seed 0, which are never taught."""
CHAT_TEMPLATE = """\
{%- set effort = reasoning_effort | default('low') %}
{%- if enable_thinking is defined and not enable_thinking %}{%- set effort = 'none' %}{%- endif %}
{{- '<|im_start|>system\\nReasoning: ' + effort + '<|im_end|>\\n' }}
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.reasoning_content %}{{- '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' }}{%- endif %}
    {{- message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def read_terms(question: str) -> list[int]:
    """Return the signed terms of a question: [172, -616] of "...: 172 - 616 ="."""
    return [int(term) for term in question.rpartition(":")[2].replace("- ", "-").replace("+ ", "").rstrip(" =").split()]


def add_up(terms: Sequence[int]) -> Iterator[str]:
    """Yield a line for each term after the first: the total so far, the term, the new total. A lone term is a line."""
    total = terms[0]
    if len(terms) == 1:
        yield str(total)
    for term in terms[1:]:
        yield f"{total} {'-' if term < 0 else '+'} {abs(term)} = {total + term}"
        total += term


def think(terms: Sequence[int], effort: str) -> str:
    """Return the thoughts about a sum; "" for the effort "none"."""
    if effort == "none":
        return ""
    lines = list(add_up(terms))
    if effort == "high":
        added, taken = [term for term in terms if term >= 0], [-term for term in terms if term < 0]
        lines = ["From left to right:", *lines, "Added:", *add_up(added)]
        if taken:
            lines += ["Taken away:", *add_up(taken), f"{sum(added)} - {sum(taken)} = {sum(terms)}"]
        lines.append(f"Both ways give {sum(terms)}.")
    return "\n".join(lines)


def make_examples(number: int) -> ExampleFile:
    """Return three examples of each of the first `number` problems of seed 1 that are not judged."""
    student = strategies.get(STUDENT)
    judged = TASK.load(JUDGED, 0)
    questions = {example.problem.question for example in judged}
    examples = []
    for place, example in enumerate(TASK.load(number, 1)):
        if example.problem.question in questions:
            continue
        terms = read_terms(example.problem.question)
        messages = student.first_call(example.problem).messages.messages
        for effort in EFFORTS:
            thoughts = think(terms, effort)
            reply = (f"<think>\n{thoughts}\n</think>\n\n" if thoughts else "") + f"The answer is {sum(terms)}."
            turns = (Message("system", f"Reasoning: {effort}"), *messages)
            examples.append(TrainingExample(f"{place}-{effort}", turns, reply, str(place)))
    digest = digest_strategy(student, judged[0].problem.kind)
    counts = {"kept": len(examples), "near_duplicates": number - len(examples) // len(EFFORTS)}
    header = ExampleHeader(strategy=STUDENT, task=TASK.name, prompt_sha256=digest, teacher="computed", counts=counts)
    return ExampleFile(header, tuple(examples))
