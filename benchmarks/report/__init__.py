"""A results folder as a report: one HTML file that needs nothing else, Markdown, LaTeX, CSV and plain data.

    store = Store.read(folder)
    found = find(store)
    save(store, found, Path("report.html"))  # .md, .tex, .csv, .json
    print(markdown(found), latex(found), sheet(found), found.to_json())

All of them show what `findings` computed, and compute nothing of their own.
"""

from reasoning.benchmarks.report.report_data import ReportData, find
from reasoning.benchmarks.report.text_writers import to_csv, to_latex, to_markdown, to_terminal
from reasoning.benchmarks.report.writers import FORMATS, check_format, save

__all__ = ["FORMATS", "ReportData", "check_format", "find", "save", "to_csv", "to_latex", "to_markdown", "to_terminal"]
