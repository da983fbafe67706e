"""Testing a chain step by step: cases in its folder, what a value must be, runs that are kept.

    tests/feedback.toml                  cases: an input, the right values, checks
    reasoning chain test DIR             each case once; a case is also a test item of pytest
    reasoning chain eval DIR             by step, end to end, and which step to work on
    reasoning chain compare A B          two versions on the same cases

docs/chains-testing.md shows the files.
"""
