"""Faithful chain of thought: sub-questions in words, each answered by code (Lyu et al. 2023, arXiv 2301.13379)."""

from __future__ import annotations

import re
from dataclasses import replace

from reasoning.answer import Answer
from reasoning.problem import Problem
from reasoning.prompts import Demonstration, Prompt
from reasoning.sandbox.code_extraction import last_assigned
from reasoning.sandbox.execution import PlainData
from reasoning.session import Session
from reasoning.strategies.programs.program_run import (
    CLOSEST,
    COMPUTED,
    FALLBACK,
    OPTION_TOKENS,
    REPAIR,
    ProgramRun,
    answer_from_run,
    write_and_run,
)
from reasoning.strategy import Strategy, technique

ASK = "# Sub-questions, and behind each the Python code that answers it; the last one sets the variable answer"
_WORKED = {
    "A baker has 5 trays with 12 buns each. She sells 38 buns in the morning and half of the rest in the afternoon. "
    "How many buns are left in the evening?": """
# 1. How many buns are there at first? (from the text: "5 trays with 12 buns each")
buns = 5 * 12
# 2. How many are left after the morning? (from 1; from the text: "sells 38 buns")
after_morning = buns - 38
# 3. How many are left in the evening? (from 2; from the text: "half of the rest in the afternoon")
answer = after_morning - after_morning / 2
""",
    "A bus seats 40. A school with 3 classes of 27 children and 8 grown-ups goes on a trip. How many seats stay empty "
    "if no more buses go than are needed?": """
import math
# 1. How many people go? (from the text: "3 classes of 27 children and 8 grown-ups")
people = 3 * 27 + 8
# 2. How many buses are needed? (from 1; from the text: "A bus seats 40"; known: a part of a bus is a whole one)
buses = math.ceil(people / 40)
# 3. How many seats stay empty? (from 1 and 2)
answer = buses * 40 - people
""",
    "Paul was born on 30 March 1996. Was he older than 21 when his son was born on 1 May 2018?": """
from datetime import date
# 1. When was Paul born? (from the text: "born on 30 March 1996")
paul_born = date(1996, 3, 30)
# 2. When was the son born? (from the text: "his son was born on 1 May 2018")
son_born = date(2018, 5, 1)
# 3. How old was Paul then? (from 1 and 2; known: a year counts when its birthday has come)
age = son_born.year - paul_born.year - ((son_born.month, son_born.day) < (paul_born.month, paul_born.day))
# 4. Was he older than 21? (from 3)
answer = age > 21
""",
    "Oil costs 6 dollars a litre, vinegar 2, and milk 1. Which of the three gives the most litres for 3 dollars?\n\n"
    "(A) oil\n(B) vinegar\n(C) milk": """
# 1. What does a litre of each cost? (from the text: "Oil costs 6 dollars a litre, vinegar 2, and milk 1")
price = {"oil": 6, "vinegar": 2, "milk": 1}
# 2. How many litres of each do 3 dollars buy? (from 1)
litres = {name: 3 / price[name] for name in price}
# 3. Which is the most? (from 2)
answer = max(litres, key=lambda name: litres[name])
""",
}
EXAMPLES = tuple(Demonstration(f"{question}\n\n{ASK}", f"```python{code}```") for question, code in _WORKED.items())
TRANSLATE = Prompt(
    objective="Translate a question into a chain of sub-questions and Python code. Python computes the answer from it.",
    instructions="Number the sub-questions and write each as a comment. Say in brackets which earlier ones it depends "
    "on and which words of the question, or which known fact, it rests on. Then write the code that answers it, with "
    "names that speak. Compute nothing yourself.",
    output_format="Python code only; the last sub-question is the question itself and sets the variable answer.",
    input="{problem}\n\n" + ASK,
    examples=EXAMPLES,
)

_SUB_QUESTION = re.compile(
    r"^#{1,3} ?(?:\*\*)?(?:(?:(?:sub-?)?question|step|q) ?)?[(#]?(\d{1,2})(?:[.):]|\*\*)+ ?(.+)$", re.MULTILINE | re.I
)


@technique(
    name="faithful_cot",
    title="Faithful chain of thought",
    authors="Lyu et al.",
    year=2023,
    arxiv="2301.13379",
    calls="1 + o if repairs == 0 else 1 + r + o",
    rounds="1 + o if repairs == 0 else 1 + r + o",
    counts="o: 1 if the closest option is asked for, else 0; r: repairs",
    kinds=COMPUTED,
    requires=("interpreter",),
    use_when="an answer must be traceable: it follows from the chain by computation alone "
    "(code-davinci-002, GSM8K: 63.3 with chain of thought, 72.3 with faithful chain of thought)",
    avoid_when="only the answer counts: the same programs without sub-questions did as well (GSM8K: 72.8), in fewer "
    "tokens; or the answer needs knowledge that does not fit into code",
    version=2,
)
class FaithfulCoT(Strategy):
    """Translate the question into sub-questions with code, then let an interpreter compute the answer.

    Each sub-question is a comment that says what it depends on; the code after it answers it. The
    model sees no result, so only the chain can have led to the answer. `answer.steps` has the value
    of each sub-question. The paper uses a language for each domain (Python, Datalog, PDDL); here it
    is always Python, with our own demonstrations. `self_consistency(faithful_cot, samples=40,
    temperature=0.4)` is the paper's vote.

    Args:
        repairs: maximum number of times that a failing program is sent back with its error; 0 in
            the paper.
        option_tokens: maximum tokens of the reply that names the option closest to a result.

    Source:
        Lyu et al. (2023), "Faithful Chain-of-Thought Reasoning", arXiv 2301.13379.
    """

    repairs: int = 0
    option_tokens: int = OPTION_TOKENS
    translate: Prompt = TRANSLATE
    closest: Prompt = CLOSEST
    repair: Prompt = REPAIR

    def __post_init__(self) -> None:
        self.check_parameters(repairs=0, option_tokens=1)

    def calls_range(self) -> tuple[int, int]:
        return 1, 2 + self.repairs

    def rounds_range(self) -> tuple[int, int]:
        return self.calls_range()

    async def solve(self, problem: Problem, session: Session) -> Answer:
        turns = self.translate.render(problem)
        ran = await write_and_run(
            session, turns, ("answer", "ans", *FALLBACK), repairs=self.repairs, repair=self.repair
        )
        answer = await answer_from_run(problem, ran, session, self.closest, self.option_tokens)
        return replace(answer, steps=await _steps(ran, session))


async def _steps(ran: ProgramRun, session: Session) -> dict[str, PlainData]:
    """Return the value of each sub-question: the variable that its code assigns last."""
    sub_questions = list(_SUB_QUESTION.finditer(ran.code))
    if ran.error is not None or not sub_questions:
        return {}
    ends = [*(sub_question.start() for sub_question in sub_questions[1:]), len(ran.code)]
    names = [
        last_assigned(ran.code[sub_question.end() : end]) for sub_question, end in zip(sub_questions, ends, strict=True)
    ]
    values = f"\n[{', '.join(name or 'None' for name in names)}]\n"
    result = await session.tools.interpreter.arun(ran.code.rstrip() + values)
    if not isinstance(result.value, list):
        return {}
    return {
        sub_question[2].strip(): value
        for sub_question, value in zip(sub_questions, result.value, strict=True)
        if value is not None
    }
