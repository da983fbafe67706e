"""The viewer of `reasoning view`: every run and chain under a folder in one local page, also while a run goes.

    entries.py        what is found under the folder: runs, outputs of chains, evaluations of chains
    progress.py       the progress of every run, from a few bytes of each result
    live_run.py       one run that is open, read incrementally
    library.py        the folder: keeps what was read, and opens nothing outside
    list_page.py, run_pages.py, problem_pages.py, chain_pages.py    the data of each page, as plain data
    server.py, guard.py                       the server on loopback, and what it refuses
    view.html, view.css, view.js              the page; the other scripts are its parts

The viewer only reads. It computes no number and writes no sentence about numbers itself: tables, verdicts
and charts are those of `reasoning.benchmarks.analysis` and `reasoning.benchmarks.report`.
"""
