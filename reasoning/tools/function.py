"""A Python function as a tool: its schema from the signature, its work in a thread with a time limit."""

from __future__ import annotations

import asyncio
import inspect
import re
import threading
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reasoning.errors import ReasoningError, ToolError, UsageError
from reasoning.session_tools import ToolSession
from reasoning.text_safety import dump_json, redact

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_ARGUMENT = re.compile(r"^[ \t]{0,12}(\w{1,60})(?: ?\([^)\n]{0,80}\))?:[ \t](.+)", re.MULTILINE)


@dataclass(frozen=True, repr=False)
class FunctionTool:
    """A function that a model may call.

    Type hints become the JSON schema of the arguments, which are checked and converted before the
    call. A synchronous function runs in a thread; one that exceeds its time is abandoned there,
    since Python cannot end a thread. An exception is a result that names it. The function runs in
    this process with its rights, on arguments that a model wrote: let it do only what a stranger may
    do.

    Args:
        function: the function; a coroutine function is awaited.
        name: the name for the model; by default the function's.
        description: what it does; by default the first paragraph of its docstring.
        seconds: the maximum duration of a call, above 0.

    Raises:
        UsageError: the function has no name or description, or an argument without a name; `seconds`
            is no number above 0.

    Examples:
        >>> def tides(harbour: str, day: int = 0) -> str:
        ...     '''Return the time of high water.'''
        ...     return "06:12"
        >>> FunctionTool(tides).parameters["required"], FunctionTool(tides)
        (['harbour'], tides)
    """

    function: Callable[..., Any]
    name: str = ""
    description: str = ""
    seconds: float = 10.0
    parameters: Mapping[str, Any] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        given = getattr(self.function, "__name__", "")
        object.__setattr__(self, "name", self.name or given)
        if not self.name.isidentifier():
            raise UsageError(f"a tool needs a name: FunctionTool({given or 'function'}, name='…')")
        paragraph = (inspect.getdoc(self.function) or "").partition("\n\n")[0]
        object.__setattr__(self, "description", self.description or " ".join(paragraph.split()))
        if not self.description:
            raise UsageError(f"the function {self.name} needs a docstring, from which the model learns what it does")
        if not isinstance(self.seconds, int | float) or not self.seconds > 0:
            raise UsageError(f"seconds of the tool {self.name} must be a number above 0, got {self.seconds!r:.80}")
        object.__setattr__(self, "parameters", self._schema())

    def __repr__(self) -> str:
        return self.name

    async def call(self, arguments: Mapping[str, Any], session: ToolSession) -> str:
        """Call the function.

        Raises:
            ToolError: an argument is of another type, the function raised an exception, or its time is over.
        """
        from pydantic import ValidationError

        try:
            values = self._adapter.validate_python(dict(arguments))
        except ValidationError as error:
            [first, *_] = error.errors(include_url=False)
            raise ToolError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        try:
            async with asyncio.timeout(self.seconds) as limit:
                if inspect.iscoroutinefunction(self.function):
                    return format_result(await self.function(**values))
                # A large result takes long to format, too.
                return await _run_in_thread(lambda: format_result(self.function(**values)))
        except ReasoningError:
            raise
        except (Exception, SystemExit) as error:
            if limit.expired():
                raise ToolError(f"{self.name} gave no result within {self.seconds:g} s") from None
            raise ToolError(f"{self.name} failed: {type(error).__name__}: {redact(str(error))}") from None

    @cached_property
    def _adapter(self) -> TypeAdapter[dict[str, Any]]:
        from typing import NotRequired

        from pydantic import ConfigDict, TypeAdapter
        from typing_extensions import TypedDict

        try:
            hints = typing.get_type_hints(self.function, include_extras=True)
            signature = inspect.signature(self.function)
        except (NameError, TypeError, ValueError) as error:
            raise UsageError(f"the function {self.name} must have type hints that can be read: {error}") from None
        named = {}
        for parameter in signature.parameters.values():
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise UsageError(f"the function {self.name} must take each argument by name, got {parameter}")
            hint = hints.get(parameter.name, Any)
            named[parameter.name] = hint if parameter.default is parameter.empty else NotRequired[hint]
        make: Any = TypedDict  # type checkers know only literal dictionaries
        arguments = make("arguments", named)
        arguments.__pydantic_config__ = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
        return TypeAdapter(arguments)

    def _schema(self) -> dict[str, Any]:
        from pydantic.errors import PydanticUserError

        try:
            schema = self._adapter.json_schema()
        except PydanticUserError as error:
            raise UsageError(f"the function {self.name} takes an argument that is no JSON: {error.message}") from None
        schema.pop("title", None)
        described = dict(_ARGUMENT.findall(inspect.getdoc(self.function) or ""))
        for name, part in schema.get("properties", {}).items():
            part.pop("title", None)
            if name in described:
                part["description"] = described[name].strip()
        return schema


def format_result(value: Any) -> str:
    """Return what a function returned as text: JSON unless it is a text."""
    return value if isinstance(value, str) else dump_json(value, default=str)


async def _run_in_thread(call: Callable[[], str]) -> str:
    """Run a call in a thread that does not keep the process alive, unlike those of an executor."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str] = loop.create_future()

    def settle(result: str, error: BaseException | None) -> None:
        if not done.done():
            done.set_result(result) if error is None else done.set_exception(error)

    def work() -> None:
        outcome: tuple[str, BaseException | None]
        try:
            outcome = call(), None
        except StopIteration as error:
            # A future takes no StopIteration.
            outcome = "", RuntimeError(f"StopIteration: {error}")
        except BaseException as error:
            outcome = "", error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=work, daemon=True, name="tool").start()
    return await done
