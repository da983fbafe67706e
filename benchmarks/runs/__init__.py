"""Making results: the configuration, the worker queue, races and cost estimates."""
