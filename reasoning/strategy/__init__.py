"""Strategies: the base class, the decorator that makes a class a technique, solving and fitting."""

from reasoning.strategy.base import Strategy
from reasoning.strategy.decorator import technique
from reasoning.strategy.fitting import Fit, fit_needed

__all__ = ["Fit", "Strategy", "fit_needed", "technique"]
