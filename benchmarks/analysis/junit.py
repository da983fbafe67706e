"""A comparison of two runs as a JUnit report, which the servers of continuous integration read."""

from __future__ import annotations

from xml.etree import ElementTree

from reasoning.benchmarks.analysis.regression import RunComparison
from reasoning.benchmarks.analysis.summary_table import many
from reasoning.display import strip_control


def to_junit(found: RunComparison) -> str:
    """A test case for each strategy of the earlier run.

    It fails where the strategy became worse, and is an error where too little could be compared; without a tolerance
    that is skipped, since nothing is tested.
    """
    worse = {change.name: change for change in found.worse}
    untested, tested = found.untested, found.tolerance is not None
    names = [*(change.name for change in found.changes), *found.gone]
    root = ElementTree.Element(
        "testsuite",
        name="reasoning bench compare",
        tests=str(len(names)),
        failures=str(len(worse)),
        errors=str(len(untested) * tested),
        skipped=str(len(untested) * (not tested)),
    )
    for name in names:
        case = ElementTree.SubElement(root, "testcase", classname="benchmark", name=_clean(name))
        if name in untested:
            ElementTree.SubElement(case, "error" if tested else "skipped", message=_clean(untested[name]))
        elif name in worse:
            change = worse[name]
            points, interval, _ = change.numbers
            message = f"{points} points (95 %: {interval}) on {many(change.pair.n, 'problem')}; lost {found.allowed}"
            failure = ElementTree.SubElement(case, "failure", message=message)
            left_out = change.left_out and f"left out: {change.left_out}"
            failure.text = _clean("\n".join(filter(None, ["lost: " + ", ".join(change.lost), left_out])))
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(letter for letter in strip_control(text) if letter >= " " or letter in "\t\n")
