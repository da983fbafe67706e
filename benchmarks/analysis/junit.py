"""A comparison of two runs as a JUnit report, which continuous-integration servers read."""

from __future__ import annotations

from xml.etree import ElementTree

from reasoning.benchmarks.analysis.regression import RunComparison
from reasoning.tables import pluralize
from reasoning.text_safety import strip_control


def to_junit(comparison: RunComparison) -> str:
    """Return a JUnit report with one test case for each strategy.

    A case fails if the strategy became worse by more than the tolerance. If too little could be
    compared, it is an error; without a tolerance it is skipped, because nothing is tested. A strategy
    of one run only is skipped.

    Args:
        comparison: the two runs.
    """
    worse = {change.name: change for change in comparison.worse}
    untested, has_tolerance = comparison.untested, comparison.tolerance is not None
    names = [*(change.name for change in comparison.changes), *comparison.missing]
    left_out = {**dict.fromkeys(comparison.gone, "earlier"), **dict.fromkeys(comparison.new, "later")}
    root = ElementTree.Element(
        "testsuite",
        name="reasoning bench compare",
        tests=str(len(names) + len(left_out)),
        failures=str(len(worse)),
        errors=str(len(untested) * has_tolerance),
        skipped=str(len(untested) * (not has_tolerance) + len(left_out)),
    )
    for name in names:
        case = ElementTree.SubElement(root, "testcase", classname="benchmark", name=_clean(name))
        if name in untested:
            ElementTree.SubElement(case, "error" if has_tolerance else "skipped", message=_clean(untested[name]))
        elif name in worse:
            change = worse[name]
            points, interval, _ = change.cells
            problems = pluralize(change.pair.n, "problem")
            message = f"{points} points (95 %: {interval}) on {problems}; lost {comparison.allowed}"
            failure = ElementTree.SubElement(case, "failure", message=message)
            rest = change.left_out and f"left out: {change.left_out}"
            failure.text = _clean("\n".join(filter(None, ["lost: " + ", ".join(change.lost), rest])))
    for name, where in left_out.items():
        case = ElementTree.SubElement(root, "testcase", classname="benchmark", name=_clean(name))
        ElementTree.SubElement(case, "skipped", message=f"left out, as in the {where} run only")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    """Return text without characters that XML cannot hold."""
    return "".join(letter for letter in strip_control(text) if letter >= " " or letter in "\t\n")
