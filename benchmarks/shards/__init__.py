"""Runs that are divided by problem, among processes, machines or the workers of a Ray cluster, and merged again.

r.benchmarks.shards.compare_shard("3/8", ["vanilla", "cot"], "gsm8k", llm, out="run")    # on each of 8 machines
r.benchmarks.shards.merge_shards("run")
"""

from __future__ import annotations

from reasoning.benchmarks.shards.api import compare_on_ray, compare_shard
from reasoning.benchmarks.shards.merge import Merge, merge_shards

__all__ = ["Merge", "compare_on_ray", "compare_shard", "merge_shards"]
