"""Binder: programs that call the model where cells must be understood (Cheng et al. 2022, arXiv 2210.02875)."""

from __future__ import annotations

from typing import Literal

from reasoning.answer import Answer
from reasoning.kinds import Cells, Choice, Date, Items, Label, Number, Text, YesNo
from reasoning.problem import Problem
from reasoning.prompts import Prompt
from reasoning.session import Session
from reasoning.strategies.tables.binder_prompts import ANSWER, MAP, PYTHON, SQL, fit_table
from reasoning.strategies.tables.denotation import result_form
from reasoning.strategies.tables.model_functions import ModelFunctions
from reasoning.strategies.tables.program_results import find_whole, run_programs, vote_on_results
from reasoning.strategies.tables.python_programs import find_python, run_python_program
from reasoning.strategies.tables.reply_samples import Sampling, sample_replies
from reasoning.strategies.tables.sql_programs import find_sql, run_sql_program
from reasoning.strategies.tables.table_text import question_of, tables_of
from reasoning.strategy import Strategy, technique
from reasoning.tables_sql import Table

_LANGUAGES = {"sql": (find_sql, run_sql_program), "python": (find_python, run_python_program)}


@technique(
    title="Binder",
    authors="Cheng et al.",
    year=2022,
    arxiv="2210.02875",
    calls="samples + q",
    rounds="1 + d",
    counts="q: calls for the questions of the programs, each question once: one for up to 50 different rows, and one "
    "more if the reply leaves rows out; d: those of them that follow one another in one program",
    kinds=(Number, Choice, YesNo, Text, Label, Date, Items, Cells),
    requires=("table", "SQL or the interpreter", "sampling if samples > 1", "logprobs for ties"),
    use_when="a question needs both calculation and an understanding of cells: units, places, names in running text "
    "(WikiTableQuestions and TabFact, GPT-3.5: 51.8 and 70.5 read end to end, 56.7 and 79.2 with it; PaLM 2: 52.4 and "
    "68.4 with SQL alone, 54.9 and 77.0 with it; arXiv 2401.04398)",
    avoid_when="the model writes poor SQL (PaLM 2, WikiTableQuestions: 54.9; 60.6 when it simply reads the table), or "
    "the table is longer than the prompt (over 4,000 tokens: 6.4; arXiv 2401.04398)",
)
class Binder(Strategy):
    """Write programs that ask the model about cells, run them, and take the result that most of them compute.

    In SQL, `QA("map@question"; column)` stands for a column of the model's answers about each row, and
    `QA("ans@question"; query)` for its answer about the rows of a query; in Python these are
    `qa_map` and `qa_ans`. Further tables in the problem's context ("Table regions:" and its rows) can be
    joined. Names and literals are repaired before a program runs: see `sql_repair.repair`.

    Rows are asked about 50 at a time, equal rows once, and a question once for all programs. A reply
    has to repeat the row numbers, and rows that it leaves out are asked about once more: nothing
    shifts, as it can where answers are paired with rows by their order. Answers that all are numbers
    become numbers; yes and no are in lower case.

    Programs that fail and empty results do not vote. A tie goes to the programs with the higher mean
    log-probability, then to the first. For a yes-or-no question a result of yes counts `yes_weight`
    times and an empty result is a no, as in the paper for TabFact. The paper draws 20 programs at
    temperature 0.4 for WikiTableQuestions, 50 at 0.6 for TabFact; the default is the former, since
    all programs are one request and share their questions. Its 14 to 18 demonstrations, and the 8
    that it retrieves for each question to the model, are here 5, and 4 or 2 (map, ans), of our own.

    Args:
        samples: number of programs.
        language: "sql", the paper's choice, or "python".
        temperature: temperature of the programs.
        yes_weight: weight of a vote for yes, for yes-or-no questions; 1 counts all alike.
        max_calls: maximum number of calls of the model that one program may make, without those for
            rows that a reply left out.
        max_chars: maximum characters of the prompt that asks for programs: demonstrations are left
            out until a table fits, and of a longer table three rows are shown.

    Source:
        Cheng et al. (2022), "Binding Language Models in Symbolic Languages", arXiv 2210.02875.

    Examples:
        >>> from reasoning import Problem, kinds, strategies
        >>> from reasoning.testing import ScriptedLLM
        >>> towns = [["town", "people"], ["Oslo", "709,037"], ["Trier", "110,674"], ["Bergen", "291,940"]]
        >>> problem = Problem("How many people live in towns by the sea?", kinds.Number(), table=towns)
        >>> program = "SELECT SUM(people) FROM w WHERE QA(\\"map@is it by the sea?\\"; town) = 'yes'"
        >>> llm = ScriptedLLM([program, "1 | yes\\n2 | no\\n3 | yes"])
        >>> strategies.get("binder(samples=1)").run(problem, llm).value
        1000977
    """

    samples: int = 20
    language: Literal["sql", "python"] = "sql"
    temperature: float = 0.4
    yes_weight: float = 3.0
    max_calls: int = 8
    max_chars: int = 16_000
    write_sql: Prompt = SQL
    write_python: Prompt = PYTHON
    map_rows: Prompt = MAP
    answer_rows: Prompt = ANSWER

    def __post_init__(self) -> None:
        self.check_parameters(samples=1, temperature=0, yes_weight=0, max_calls=0, max_chars=1000)

    def calls_range(self) -> tuple[int, int]:
        return self.samples, self.samples * (1 + 2 * self.max_calls)

    def rounds_range(self) -> tuple[int, int]:
        return 1, 1 + 2 * self.max_calls

    async def solve(self, problem: Problem, session: Session) -> Answer:
        tables = tables_of(problem, self.card.name)
        find, run = _LANGUAGES[self.language]
        prompt = self.write_sql if self.language == "sql" else self.write_python
        prompt, shown = fit_table(prompt, tables, problem, self.max_chars)
        turns = prompt.render(problem, table=shown, asked=question_of(problem), form=result_form(problem.kind))
        # Log-probabilities break ties.
        sampling = Sampling(self.samples, self.temperature, "mean_probability")
        with session.stage("write"):
            draws = await sample_replies(
                *(session, turns, problem, sampling, lambda reply: find_whole(find, reply)),
                name="program",
                missing="the reply holds no program",
            )
        functions = ModelFunctions(session, self.map_rows, self.answer_rows)

        async def run_program(program: str, branch: Session) -> Table:
            return await run(program, tables, branch, functions, self.max_calls)

        with session.stage("run"):
            results = await run_programs([draw.value for draw in draws if draw.counts], session, run_program)
        answer = vote_on_results(draws, results, tables["w"], problem, wanted=self.samples, yes_weight=self.yes_weight)
        session.note(f"votes: {answer.votes}")
        return answer
