"""Runs: their configuration, worker queue, progress, races and cost estimates."""
