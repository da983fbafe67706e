"""`reasoning tune estimate`: the memory that each method of training will take, and what fits on this machine."""

from __future__ import annotations

from reasoning.cli.output import OutputOptions
from reasoning.cli.progress import progress_bar
from reasoning.tuning.cli.training_options import BASE, BaseModel, Chain, ExampleOptions, SettingOptions, Step


def estimate(
    chain: Chain = None,
    step: Step = None,
    model: BaseModel = BASE,
    *,
    source: ExampleOptions,
    settings: SettingOptions,
    output: OutputOptions,
) -> None:
    """Estimate the memory that training on these examples will take, for each method.

    Nothing is trained and no weights are loaded: the longest batch passes through the model without
    numbers. A measured peak differs from the estimate by at most a quarter.
    """
    from reasoning.providers.torch.base_model import check_installed
    from reasoning.tuning.training.estimation import estimate as estimate_memory

    check_installed()
    examples = source.read(chain, step)
    with progress_bar() as bar:
        found = estimate_memory(examples, model, settings=settings.to_settings(), progress=bar)
    output.print(found.to_document, found.to_json)
