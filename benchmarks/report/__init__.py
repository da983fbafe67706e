"""A results folder as a report: one HTML file that needs nothing else, Markdown, LaTeX, CSV and plain data.

    store = Store.read(folder)
    found = find(store)
    save(store, found, Path("report.html"))  # .md, .tex, .csv, .json
    print(markdown(found), latex(found), sheet(found), found.to_json())

All of them show what `findings` computed, and compute nothing of their own.
"""

from reasoning.benchmarks.report.report_data import Findings, find
from reasoning.benchmarks.report.text_writers import latex, markdown, sheet, terminal
from reasoning.benchmarks.report.writers import FORMATS, check, save

__all__ = ["FORMATS", "Findings", "check", "find", "latex", "markdown", "save", "sheet", "terminal"]
