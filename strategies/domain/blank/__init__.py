"""A bundled chain to start from: one step whose prompt has every section, with a comment on each, and one case."""
