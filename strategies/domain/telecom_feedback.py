"""A chain to start from: customer feedback of a telecom company → issues → categories → recommendations."""

from __future__ import annotations

from reasoning.chain import Chain, Step
from reasoning.kinds import Items
from reasoning.prompts import Prompt

CATEGORIES = ("network", "billing", "customer service", "pricing", "device", "other")
SENTIMENTS = ("negative", "positive", "neutral")

TELECOM_FEEDBACK = Chain(Step("issues", Prompt(input="{feedback}"), returns=Items()), name="telecom_feedback")
