"""The description of each form of data file, for `reasoning tasks jsonl` and its like."""

from __future__ import annotations

_ROWS = """\
A row has a question and an answer. Other columns are optional:

  question  the text of the question
  answer    the right answer (or "target"); a list holds accepted answers
  options   or "choices": those of a choice; the answer is a letter or a text
  kind      the kind of the answer: number, choice, yesno, text, date, items, …
  context   a passage that the question is about
  corpus    documents to search in: [{"title": …, "text": …}, …], or texts
  table     a table that the question is about: rows of cells, or a text
  id        the problem's name in results
  family    what similar problems share, such as their passage

Without a kind it is inferred: a choice if there are options, else a number,
yes or no, or a date if all answers are that, else a text. For kinds whose
answers are lists (items, cells, json, several choices), a list is one answer.
For spans it is a list of {"text": …, "label": …, "start": …}, or the text with
tags: "for <problem>DVT</problem>". Spans lie in the context, else in the
question.

If the columns have other names: --fields 'question=Body, answer=Solution'.
Columns in braces make a text: question={Body} {Question}. More fields: kind,
index=yes (the answer counts the options from 0), any_of=yes (a list holds
accepted answers also for kinds of lists), where=COLUMN != TEXT, kind=by_row
(each answer says its own), scorer=denotation (lists as WikiTableQuestions).

The file's suffix says what it is: --task mine.csv, mine.jsonl, mine.json,
mine.tsv, mine.parquet; text files may be compressed (.gz), in UTF-8 or UTF-16.
All problems run unless --limit says otherwise."""

_EXAMPLES = {
    "jsonl": """\
One JSON object in each line:

  {"question": "What is 2 + 2?", "answer": 4}
  {"question": "Which city?", "answer": ["Paris", "City of Light"]}
  {"question": "Which?", "options": ["red", "blue"], "answer": "B"}""",
    "json": """\
A list of JSON objects, or an object with one such list:

  [{"question": "What is 2 + 2?", "answer": 4},
   {"question": "Which city?", "answer": ["Paris", "City of Light"]}]""",
    "csv": """\
The first line names the columns. The separator is a comma; if that line has
none, a semicolon, a tab or a bar. With semicolons, answers such as 3,5 are
read as 3.5 if all answers are numbers, and a warning says so:

  question,answer
  What is 2 + 2?,4
  "In France, which city?","[""Paris"", ""City of Light""]"

Several accepted answers are a JSON list of texts. The options are a column
(red|blue, or a JSON list) or columns of their own:

  question,A,B,C,answer
  Which is a fruit?,rose,pear,oak,B""",
    "tsv": "As CSV (see: reasoning tasks csv), with tabs between the cells.",
    "parquet": "A Parquet file; a cell may hold a list.",
}

FORMATS = {name: f"{example}\n\n{_ROWS}" for name, example in _EXAMPLES.items()}
"""The description of each form by its name."""
