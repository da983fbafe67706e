"""The engine between sessions and providers: LLM, single flight, budgets, limits, retries."""
