"""Tasks: sources of problems with known answers, named by a word such as `gsm_symbolic` or by a file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from reasoning import plugins
from reasoning.benchmarks.tasks.file_names import data_files, describe_missing, form_of, similar_file
from reasoning.benchmarks.tasks.task import Task
from reasoning.errors import InputError, UnknownName, UsageError

__all__ = ["Task", "from_catalogue", "get", "get_pool"]

GROUP = "reasoning.tasks"
"""The entry points of other distributions' tasks: each a `Task`, or a function of the text after "NAME:"."""


def get(name: str | Task, fields: Mapping[str, str] | str | None = None, split: str = "") -> Task:
    """Return a task by its name: a name of `named()`, or one of the forms below. No problem is loaded yet.

        gym:NAME           a data set of reasoning-gym, optionally with settings:
                           gym:chain_sum(min_terms=5, max_terms=8)
        bbh:NAME           a task of BIG-Bench Hard
        mine.jsonl         a file of the user, by its suffix: .jsonl, .json, .csv, .tsv, .parquet, .toml
        jsonl:FILE         the same, whatever its suffix; also json:, csv:, tsv: and parquet:
        hf:OWNER/NAME      any data set of the Hugging Face hub
        toml:FILE          a task in a file: `from = "hf:OWNER/NAME"` and the fields
        replay:FILE        the problems of a recording

    Args:
        name: the name; a task is returned unchanged.
        fields: the columns of files and of `hf:`; see `field_mapping.Fields`. As text:
            "question=Body, answer=Answer, kind=number"; `hf:` takes config, split and revision too.
        split: the split of a data set, such as "train"; by default its usual one.

    Raises:
        UnknownName: there is no such task or field; names the nearest one.
        UsageError: there is no such split; names the existing ones.
        InputError: the file does not exist.
    """
    mapping = _mapping(fields)
    task = _named(name, mapping) if isinstance(name, str) else name
    if not split or split == task.split:
        return task
    with_split: Callable[[str], Task] | None = getattr(task, "with_split", None)
    if with_split is None:
        raise UsageError(
            f"the task {task.name!r} has no splits; data sets of the Hugging Face hub, clinical_entities, "
            "table_questions and encyclopaedia have"
        )
    if mapping.get("split", split) != split:
        raise UsageError(f"two splits are given, {mapping['split']!r} among the fields and {split!r}")
    return with_split(split)


def get_pool(name: str, fields: Mapping[str, str] | str | None = None) -> Task:
    """Return the task of a pool by its name, as `get` does.

    Args:
        name: the name.
        fields: the columns of the judged task; files and data sets are expected to have the same.
    """
    form = name.partition(":")[0].strip()
    return get(name, fields if (form if form in _MAKERS else form_of(name.strip())) in _MAPPED else None)


def _named(name: str, mapping: Mapping[str, str]) -> Task:
    form, colon, rest = (part.strip() for part in name.partition(":"))
    known = named()
    if form not in _MAKERS and name not in known and (of_file := form_of(name.strip())):
        form, rest = of_file, name.strip()
    if form in _MAKERS and form not in known and not rest:
        raise UsageError(f"the task {name!r} is incomplete; write {FORMS[form][0]}")
    if rest and form in _MAKERS:
        if mapping and form not in _MAPPED:
            raise UsageError(f"the task {name!r} has its own fields; a mapping goes with {', '.join(_MAPPED)}")
        return _MAKERS[form](rest, mapping)
    if not colon and form in known:
        if mapping:
            raise UsageError(f"the task {name!r} has its own fields; a mapping goes with {', '.join(_MAPPED)}")
        return known[form]()
    added = plugins.entry_points(GROUP)
    if form in added:
        if mapping:
            raise UsageError(f"the task {name!r} has its own fields; a mapping goes with {', '.join(_MAPPED)}")
        return _plugin(form, rest)
    if similar := similar_file(name, data_files(Path())):
        raise UnknownName("task", name, [similar])
    raise UnknownName("task", name, [*known, *(form for form, *_ in FORMS.values()), *added])


def _plugin(name: str, rest: str) -> Task:
    task = plugins.load(GROUP, name)
    if callable(task):
        task = task(rest) if rest else task()
    elif rest:
        raise UsageError(f"the task {name!r} takes nothing after a colon, got {rest!r}")
    if not callable(getattr(task, "load", None)):
        raise plugins.wrong(GROUP, name, f"must be a task or a function that makes one, got {task!r}")
    return task  # type: ignore[no-any-return]


def named() -> dict[str, Callable[[], Task]]:
    """Return the named tasks, each with a function that makes it."""
    from reasoning.benchmarks.tasks import huggingface
    from reasoning.benchmarks.tasks.clinical_entities import CLINICAL_ENTITIES
    from reasoning.benchmarks.tasks.encyclopaedia import ENCYCLOPAEDIA
    from reasoning.benchmarks.tasks.event_reports import EVENT_REPORTS
    from reasoning.benchmarks.tasks.feedback import FEEDBACK_CATEGORY, FEEDBACK_SENTIMENT
    from reasoning.benchmarks.tasks.game24 import GAME24
    from reasoning.benchmarks.tasks.gym import GSM_SYMBOLIC
    from reasoning.benchmarks.tasks.irrelevant_context import GSM_IC
    from reasoning.benchmarks.tasks.symbolic import BRICKS, COIN_FLIP, LAST_LETTERS
    from reasoning.benchmarks.tasks.table_questions import TABLE_QUESTIONS

    symbolic: tuple[Task, ...] = (LAST_LETTERS, COIN_FLIP, BRICKS, GAME24)
    generated: tuple[Task, ...] = (GSM_SYMBOLIC, GSM_IC, *symbolic, TABLE_QUESTIONS, ENCYCLOPAEDIA, EVENT_REPORTS)
    bundled: tuple[Task, ...] = (FEEDBACK_CATEGORY, FEEDBACK_SENTIMENT, CLINICAL_ENTITIES)
    local = {task.name: partial(get, task) for task in (*generated, *bundled)}
    return local | {name: partial(huggingface.from_catalogue, name) for name in huggingface.catalogue()}


def _mapping(fields: Mapping[str, str] | str | None) -> Mapping[str, str]:
    from reasoning.benchmarks.tasks.field_mapping import parse_mapping

    return parse_mapping(fields) if isinstance(fields, str) else fields or {}


def _gym(rest: str, mapping: Mapping[str, str]) -> Task:
    from reasoning.benchmarks.tasks.gym import GymTask

    return GymTask.parse(rest)


def _bbh(rest: str, mapping: Mapping[str, str]) -> Task:
    from reasoning.benchmarks.tasks import huggingface

    return huggingface.from_catalogue("bbh", rest)


def _hf(rest: str, mapping: Mapping[str, str]) -> Task:
    from reasoning.benchmarks.tasks import huggingface

    return huggingface.from_repository(rest, mapping)


def _file(kind: str) -> Callable[[str, Mapping[str, str]], Task]:
    def make(rest: str, mapping: Mapping[str, str]) -> Task:
        from reasoning.benchmarks.tasks import files
        from reasoning.benchmarks.tasks.field_mapping import Fields

        task: Task = getattr(files, kind)(rest, Fields.from_mapping(mapping) if mapping else None)
        return task

    return make


def _toml(rest: str, mapping: Mapping[str, str]) -> Task:
    path = Path(rest).expanduser()
    if not path.is_file():
        raise InputError(describe_missing(path))
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: must be a TOML file: {error}") from None
    source = data.pop("from", None)
    if not isinstance(source, str) or source.startswith("toml:"):
        raise InputError(f'{path}: "from" is missing: from = "hf:OWNER/NAME", or "csv:FILE", "jsonl:FILE", …')
    form, _, rest = source.partition(":")
    if form != "hf" and form in _MAPPED:
        source = f"{form}:{path.parent / Path(rest).expanduser()}"
    try:
        return get(source, data)
    except UsageError as error:
        raise InputError(f"{path}: {error}") from None


_MAKERS: dict[str, Callable[[str, Mapping[str, str]], Task]] = {
    "gym": _gym,
    "bbh": _bbh,
    "jsonl": _file("JsonlTask"),
    "json": _file("JsonTask"),
    "csv": _file("CsvTask"),
    "tsv": _file("TsvTask"),
    "parquet": _file("ParquetTask"),
    "hf": _hf,
    "toml": _toml,
    "replay": _file("ReplayTask"),
}
_MAPPED = ("hf", "jsonl", "json", "csv", "tsv", "parquet", "replay")
FORMS: dict[str, tuple[str, str, str, str, str]] = {
    "gym": (
        "gym:NAME",
        "endless",
        "by the set",
        "Apache-2.0",
        "a set of reasoning-gym, made from a seed; gym:NAME(SETTING=…)",
    ),
    "bbh": ("bbh:NAME", "up to 250", "by the task", "MIT", "one task of BIG-Bench Hard"),
    "jsonl": (
        "jsonl:FILE",
        "–",
        "by the answers",
        "–",
        "JSON lines; reasoning tasks jsonl describes them",
    ),
    "json": ("json:FILE", "–", "by the answers", "–", "a JSON list of such objects"),
    "csv": ("csv:FILE", "–", "by the answers", "–", "a CSV file; reasoning tasks csv describes it"),
    "tsv": ("tsv:FILE", "–", "by the answers", "–", "the same with tabs"),
    "parquet": ("parquet:FILE", "–", "by the answers", "–", "a Parquet file; --fields says which columns"),
    "hf": ("hf:OWNER/NAME", "–", "by the answers", "–", "a data set of the Hugging Face hub, with --fields"),
    "toml": ("toml:FILE", "–", "by the answers", "–", "a task in a file: from = …, and its fields"),
    "replay": ("replay:FILE", "–", "by the answers", "–", "the problems of a recording"),
}
"""The forms of tasks without a fixed name: form, problems, kind of answer, licence, description."""
