"""Options of commands as dataclasses: `expand_options` shows the fields of a class as options of their own."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

import typer

from reasoning.cli import config

CONTEXT = "command_context"
"""The field and the parameter that hold the context of the running command."""
F = TypeVar("F", bound=Callable[..., Any])


def expand_options(command: F) -> F:
    """Replace each parameter whose type is a dataclass of options by the options of that class; add `--config`.

    Typer then shows the options one by one, and the command gets them as one object.
    """
    hints = get_type_hints(command, include_extras=True)
    # Errors, suggestions and `ModelOptions` need the context and the file of the running command.
    signature = inspect.signature(command)
    groups = {name: hints[name] for name in signature.parameters if dataclasses.is_dataclass(hints[name])}
    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        added = _parameters(groups[name]) if name in groups else [parameter.replace(annotation=hints[name])]
        parameters += [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in added]

    parameters.append(_parameter(CONTEXT, typer.Context, inspect.Parameter.empty))
    parameters.append(_parameter("config", config.ConfigPath, None))

    def run(**values: Any) -> Any:
        context = values.pop(CONTEXT)
        # Its callback has read it.
        values.pop("config")
        return command(**{name: _build(group, values, context) for name, group in groups.items()}, **values)

    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run  # type: ignore[return-value]


def _parameters(group: Any) -> list[inspect.Parameter]:
    """Return the parameters of a class of options and of the classes in its fields, its own first."""
    hints = get_type_hints(group, include_extras=True)
    own, nested = list[inspect.Parameter](), list[inspect.Parameter]()
    for field in dataclasses.fields(group):
        if dataclasses.is_dataclass(hints[field.name]):
            nested += _parameters(hints[field.name])
        elif field.name != CONTEXT:
            own.append(_parameter(field.name, hints[field.name], field.default))
    return own + nested


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _build(group: Any, values: dict[str, Any], context: typer.Context) -> Any:
    """Return an object of the class, and remove its values from `values`."""
    hints = get_type_hints(group, include_extras=True)
    names = [field.name for field in dataclasses.fields(group)]
    # `ModelOptions.journal` is a group with an option of the same name, so groups are built first.
    return group(
        **{
            name: _build(hints[name], values, context)
            if dataclasses.is_dataclass(hints[name])
            else context
            if name == CONTEXT
            else values.pop(name)
            for name in names
        }
    )
