"""Analysis of results: summaries, paired differences, verdicts and caveats."""
