"""Tasks from the Hugging Face hub, through `datasets`: the catalogue of `huggingface.toml`, and any repository."""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import Any

from reasoning.benchmarks.tasks.field_mapping import Fields
from reasoning.benchmarks.tasks.row_task import Row, RowTask
from reasoning.errors import InputError, MissingExtra, UnknownName, UsageError

_TIMEOUT = 5.0
"""Seconds within which the hub must answer; `datasets` itself would try for more than twenty."""
_FRESH = "such as gsm_symbolic"
_UNKNOWN_SPLIT = re.compile(r"Unknown split .*\[(.*)\]")
_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True)
class HubTask(RowTask):
    """A split of a data set of the hub.

    Attributes:
        repository: the repository on the hub, or a folder with a copy of it.
        config: the configuration; empty for the only one.
        folder: the folder of the repository that holds the configuration's files, if it does not describe
            its configurations.
        split: the split; the usual one unless `with_split` chose another.
        splits: the splits with answers and the same columns, if known.
        revision: the commit or tag; empty for the newest. A name may change its meaning, so problems
            that are loaded again into a results folder must equal the stored ones.
        fields: the columns.
        alias: the task's name, if it is not `hf:REPOSITORY`.
        sampled: whether the seed draws the problems; otherwise they come in their order.
        size: the number of problems, if known.
        licence, about, note, canary: facts about the problems, for display.
        learned: what is known of models that were trained on the problems.
        instead: the task to suggest if the hub cannot be reached.
    """

    repository: str
    config: str = ""
    split: str = "test"
    splits: tuple[str, ...] = ()
    fields: Fields = field(default_factory=Fields)
    alias: str = ""
    sampled: bool = False
    size: int | None = None
    licence: str = "the data set's own"
    about: str = ""
    note: str = ""
    canary: str = ""
    learned: str = ""
    instead: str = ""
    revision: str = ""
    folder: str = ""

    @property
    def name(self) -> str:
        return self.alias or f"hf:{self.repository}"

    @property
    def source(self) -> str:
        return f"{self.repository} on the Hugging Face hub, {self.split} split"

    @property
    def kind(self) -> str:
        return self.fields.kind_name or ("choice" if self.fields.options else "by the answers")

    @property
    def contamination(self) -> str:
        year = re.search(r"\b(?:19|20)\d\d\b", self.about)
        since = f"public since {year[0]}" if year else "public"
        trained = f"{self.learned}; " if self.learned else ""
        advice = f"compare with a task that is generated from a seed, {_FRESH}"
        return f"{trained}{since}, so models may have seen it; {advice}"

    @property
    def seeded(self) -> bool:
        return self.sampled

    @property
    def prefix(self) -> str:
        return (self.alias or self.repository.rpartition("/")[2]).replace(":", "-")

    @property
    def mapped(self) -> Fields:
        return self.fields

    def with_split(self, split: str) -> HubTask:
        """Return another split of the data set.

        Raises:
            UsageError: the splits are known, and none has this name.
        """
        if self.splits and split not in self.splits:
            raise self._no_split(split, self.splits)
        return self if split == self.split else replace(self, split=split, size=None, instead="")

    def version(self) -> str:
        pinned = f", revision {self.revision}" if self.revision else ""
        return f"{self.config or self.folder or 'default'}, {self.split}{pinned}" + (
            "" if self.alias else f", {self.fields}"
        )

    def location(self, number: int) -> str:
        return f"{self.repository} ({self.config or self.folder or 'default'}, {self.split}), row {number}"

    def rows(self, limit: int, seed: int) -> Sequence[Row]:
        """Return the rows: all of them if some are filtered out, or if the kind is inferred from all answers."""
        split = self._split()
        order = list(range(len(split)))
        if self.sampled:
            order.sort(key=lambda index: hashlib.sha256(f"{seed} {index}".encode()).digest())
        if not self.fields.where and (self.fields.kind or self.fields.options):
            order = order[:limit]
        return [(index + 1, dict(split[index])) for index in order]

    def _split(self) -> Any:
        try:
            import datasets
        except ImportError as error:
            raise MissingExtra(f"the task {self.name}", "bench", f"datasets ({error})") from None
        offline = datasets.config.HF_HUB_OFFLINE
        if not os.path.isdir(self.repository) and not offline and (fault := _unreachable(datasets.config.HF_ENDPOINT)):
            raise self._cannot_load(fault)
        try:
            split = datasets.load_dataset(
                self.repository,
                self.config or None,
                data_dir=self.folder or None,
                split=self.split,
                revision=self.revision or None,
            )
            features = getattr(split, "features", None) or {}
            pictures = [name for name, one in features.items() if isinstance(one, datasets.Image) and one.decode]
            for name in pictures:
                # The bytes as they are. Decoding would need Pillow, and read what other people have made.
                split = split.cast_column(name, datasets.Image(decode=False))
            return split
        except Exception as error:
            # The hub, the network and a damaged copy raise many kinds of errors.
            if isinstance(error, ValueError) and (known := _UNKNOWN_SPLIT.search(str(error))):
                raise self._no_split(self.split, _QUOTED.findall(known[1])) from None
            raise self._cannot_load(f"{type(error).__name__}: {str(error)[:200]}") from None

    def _no_split(self, split: str, known: Sequence[str]) -> UsageError:
        return UsageError(f"the task {self.name!r} has no split {split!r}; there are: {', '.join(known)}")

    def _cannot_load(self, fault: str) -> InputError:
        instead = self.instead or "jsonl:FILE, with a question and an answer in each line, or csv:FILE or parquet:FILE"
        return InputError(
            f"{self.name} cannot be loaded from the Hugging Face hub ({fault}). Give a file instead: --task {instead}; "
            "or set HF_HUB_OFFLINE=1 if it was downloaded before"
        )


def from_catalogue(name: str, config: str = "") -> HubTask:
    """Return a data set of `huggingface.toml`: `from_catalogue("gsm8k")`, `from_catalogue("bbh", "snarks")`.

    Raises:
        UnknownName: there is no such configuration.
        UsageError: the configuration is missing.
    """
    data = catalogue()[name]
    configs = data.get("configs", ())
    if configs and not config:
        raise UsageError(f"the task {name!r} is incomplete; write {name}:NAME, such as {name}:{configs[0]}")
    if config and config not in configs:
        raise UnknownName("task", f"{name}:{config}", [f"{name}:{one}" for one in configs] or [name])
    arguments = {key: value for key, value in data.items() if key not in ("fields", "configs")}
    alias = f"{name}:{config}" if config else name
    arguments |= {"config": config or data.get("config", ""), "splits": tuple(data["splits"])}
    return HubTask(**arguments, alias=alias, fields=Fields.from_mapping(data["fields"]))


def from_repository(repository: str, mapping: Mapping[str, str]) -> HubTask:
    """Return any data set, with `config`, `split`, `revision` and the fields in one mapping."""
    arguments: dict[str, Any] = {key: mapping[key] for key in ("config", "split", "revision") if key in mapping}
    rest = {key: value for key, value in mapping.items() if key not in arguments}
    return HubTask(repository, fields=Fields.from_mapping(rest), **arguments)


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """Return the data sets of `huggingface.toml`, by name."""
    text = resources.files("reasoning.benchmarks.tasks").joinpath("huggingface.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _unreachable(endpoint: str) -> str:
    """Return the reason why the hub does not answer within a few seconds; empty if it does."""
    try:
        urllib.request.urlopen(urllib.request.Request(endpoint, method="HEAD"), timeout=_TIMEOUT).close()
    except urllib.error.HTTPError:
        # An HTTP error is an answer.
        return ""
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))
    return ""
