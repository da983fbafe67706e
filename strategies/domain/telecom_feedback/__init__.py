"""A bundled chain for a telecom company: customer feedback → issues → categories → recommendations.

Three steps, each with a prompt in sections, a validator and one repair. The feedback is data: only
the first step reads it, and the later steps see that step's list.

Source:
    Wu et al. (2022), arXiv 2110.01691: prompt chaining.
"""

from pathlib import Path

from reasoning.chain import Chain

__all__ = ["TELECOM_FEEDBACK"]

TELECOM_FEEDBACK = Chain.load(Path(__file__).parent, package=__name__)
"""Customer feedback → issues with sentiments → {issue: category} → {category: recommendations}."""
