"""What stands between a session and a provider: one LLM, its budget, limits and retries."""
