"""From results to numbers and sentences: summaries, paired differences, verdicts."""
