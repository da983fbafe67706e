"""The weights of a local model as a PyTorch model, converted from its GGUF file once.

Reading a GGUF file into transformers takes 20 to 100 seconds, since its metadata is parsed three times. The
result is therefore kept in a folder of the cache that is named after the file's hash; reading that takes a second.
The weights are those that llama.cpp computes with: they were quantized, and are not quantized again.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reasoning import paths
from reasoning.errors import MissingExtra, UsageError, WeightsError
from reasoning.files import temporary_folder
from reasoning.providers.client import LoadProgress
from reasoning.providers.llama_cpp import base_weights

_EXAMPLE = "local:smollm2-135m"
_SHARD = "200MB"
"""The size of a file of weights, unless one tensor is larger. It is in memory as long as one of its tensors is used."""


@dataclass(frozen=True)
class BaseFiles:
    """The file of a base model.

    Attributes:
        name: the catalogue's name, or the file's name with a quick hash; adapters are kept by it.
        gguf: the file that llama.cpp serves.
        sha256: the hash of that file.
    """

    name: str
    gguf: Path
    sha256: str

    @property
    def folder(self) -> Path:
        """The folder with the weights and the tokenizer as transformers reads them, whether it exists or not."""
        return paths.cache_dir() / "torch" / self.sha256


@dataclass(frozen=True)
class LoadedBase:
    """A model in PyTorch with its tokenizer.

    Attributes:
        model: the `transformers` model, in float32, in evaluation mode.
        tokenizer: its `transformers` tokenizer.
        sha256: the hash of the GGUF file.
        files: the file that it was read from.
    """

    model: Any
    tokenizer: Any
    sha256: str
    files: BaseFiles


def load_base(model: str, progress: LoadProgress | None = None) -> LoadedBase:
    """Return the model of this name in PyTorch. Its GGUF file is downloaded and converted at the first call.

    Args:
        model: `local`, `local:NAME` of the catalogue, `local:PATH.gguf`, or the part after the colon.
        progress: called while weights are downloaded, converted and loaded.

    Raises:
        MissingExtra: the `training` extra is not installed.
        UnknownName: the catalogue has no such name.
        WeightsError: there is no such file, or transformers cannot read it.
    """
    check_installed()
    files = find_base(model, progress)
    folder = convert_base(files, progress)
    if progress:
        progress(0, 0, f"loading {files.name}")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet_transformers():
        loaded = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return LoadedBase(loaded.eval(), tokenizer, files.sha256, files)


def find_base(model: str, progress: LoadProgress | None = None) -> BaseFiles:
    """Return the GGUF file of a model, which is downloaded if it is not on this machine.

    Raises:
        UsageError: the name is that of a model of a provider, or of a model with adapters.
        UnknownName: the catalogue has no such name.
        WeightsError: there is no such file, or it is not a GGUF file.
    """
    name = model.strip()
    if name != "local" and not name.startswith("local:"):
        name = f"local:{name}"
    is_path = name.lower().endswith(".gguf")
    if not is_path and ("/" in name or "+" in name):
        raise UsageError(
            f"a base model must be local:NAME or local:FILE.gguf, got {model!r}; give one such as {_EXAMPLE}"
        )
    base = base_weights.find_base(name)
    path = base.find(progress)
    return BaseFiles(base.name, path.resolve(), base.sha256 or base_weights.hash_file(path))


def convert_base(files: BaseFiles, progress: LoadProgress | None = None) -> Path:
    """Return the folder with the model as transformers reads it; convert the GGUF file if it does not exist.

    A kill leaves no half-written folder: it is written elsewhere and renamed.

    Raises:
        MissingExtra: the `training` extra is not installed.
        WeightsError: transformers cannot read the file, or the folder cannot be written.
    """
    check_installed()
    if files.folder.is_dir():
        return files.folder
    if progress:
        progress(0, 0, f"converting {files.name} for PyTorch, once, to {files.folder}")
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source = {"gguf_file": files.gguf.name, "local_files_only": True}
    try:
        files.folder.parent.mkdir(parents=True, exist_ok=True)
        # transformers draws a bar that no setting of its own removes.
        bar = contextlib.redirect_stderr(io.StringIO())
        with temporary_folder(files.folder) as new, quiet_transformers(), bar:
            tokenizer = AutoTokenizer.from_pretrained(files.gguf.parent, **source)
            settings = GgufConfig(dequantize=True)
            model = AutoModelForCausalLM.from_pretrained(
                files.gguf.parent, quantization_config=settings, dtype="float32", **source
            )
            # The configuration would otherwise name the quantization that was undone.
            if hasattr(model.config, "quantization_config"):
                del model.config.quantization_config
            model.save_pretrained(new, safe_serialization=True, max_shard_size=_SHARD)
            tokenizer.save_pretrained(new)
            if not files.folder.is_dir():  # another process may have been faster
                os.rename(new, files.folder)
    except OSError as error:
        if files.folder.is_dir():
            return files.folder
        raise WeightsError(f"{files.name} cannot be converted for PyTorch: {error}") from None
    # NotImplementedError: gguf cannot decode the quantisation; the others: an architecture without a reader.
    except (ValueError, KeyError, NotImplementedError, RuntimeError) as error:
        raise WeightsError(
            f"{files.name} cannot be converted for PyTorch: transformers does not read this kind of file ({error}); "
            f"choose another model, such as {_EXAMPLE}"
        ) from None
    return files.folder


def check_installed() -> None:
    """Raise MissingExtra if a library of the `training` extra is not installed."""
    for module in ("torch", "transformers", "accelerate", "gguf", "peft"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtra("training and serving in PyTorch", "training", module)


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers from drawing its own progress bars and printing its warnings, until the block ends."""
    with warnings.catch_warnings():
        # In a notebook without ipywidgets, tqdm warns as it is imported.
        warnings.simplefilter("ignore")
        from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
