"""Prompt chains: a directed graph of steps, wired by the names that each step reads. A strategy, and a folder.

    chain = Chain(Step("issues", Prompt(input="{feedback}"), returns=Items()), Step("reply", Prompt(input="{issues}")))
    chain.save("replies")                    # chain.toml, issues.md, reply.md
    assert Chain.load("replies") == chain

docs/chains.md shows the folder, the ways in which a step is answered, and the command `reasoning chain`.
"""

from reasoning.chain.chain import Chain
from reasoning.chain.step import Step
from reasoning.chain.validators import Check, Mend, Validator

__all__ = ["Chain", "Check", "Mend", "Step", "Validator"]
