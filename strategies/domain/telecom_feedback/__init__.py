"""A chain to start from: customer feedback of a telecom company → issues → categories → recommendations.

Three steps with a sectioned prompt, a validator and one repair each (prompt chaining: Wu et al. 2022, arXiv
2110.01691), as a folder: `chain.toml`, a Markdown file for each prompt, and `checks.py`. The feedback is data: it is
read in one step only, and the later steps see that step's list.
"""

from pathlib import Path

from reasoning.chain import Chain

__all__ = ["TELECOM_FEEDBACK"]

TELECOM_FEEDBACK = Chain.load(Path(__file__).parent, package=__name__)
"""Customer feedback → issues with sentiments → {issue: category} → {category: recommendations}."""
