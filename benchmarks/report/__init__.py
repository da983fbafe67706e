"""Reports of a results folder: one self-contained HTML file, Markdown, LaTeX, CSV and JSON.

    data = ReportData.from_folder(ResultsFolder.read(folder))
    save(data, Path("report.html"))  # .md, .tex, .csv, .json
    print(to_markdown(data), to_latex(data), to_csv(data), data.to_json())

Every format shows what `ReportData` computed, and computes nothing itself.
"""

from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.report.writers import (
    FORMATS,
    check_format,
    save,
    to_csv,
    to_latex,
    to_markdown,
    to_terminal,
)

__all__ = ["FORMATS", "ReportData", "check_format", "save", "to_csv", "to_latex", "to_markdown", "to_terminal"]
