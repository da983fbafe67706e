"""The questions about generated tables: each template draws a question and the SQL that answers it."""

from __future__ import annotations

from reasoning.benchmarks.tasks.table_material import Draft, Material, Template
from reasoning.benchmarks.tasks.table_questions_easy import check, look_up, look_up_group, look_up_name, look_up_year
from reasoning.benchmarks.tasks.table_questions_hard import (
    above_own_average,
    best_group,
    difference_of_totals,
    join_attribute,
    join_compare,
    join_count,
    join_extreme,
    join_total,
    other_measure_of_extreme,
    rank,
)
from reasoning.benchmarks.tasks.table_questions_medium import (
    average_in_group,
    compare,
    count,
    count_dates,
    count_in_group,
    difference,
    extreme_in_group,
    extreme_of_four,
    first_in_group,
    total_in_group,
)

__all__ = ["TEMPLATES", "Draft", "Material", "Template"]

TEMPLATES: dict[str, tuple[Template, ...]] = {
    "easy": (look_up, look_up_name, look_up_group, look_up_year, check),
    "medium": (
        *(count, count_in_group, extreme_in_group, total_in_group, average_in_group),
        *(compare, difference, extreme_of_four, first_in_group, count_dates),
    ),
    "hard": (
        *(best_group, above_own_average, difference_of_totals, rank, other_measure_of_extreme),
        *(join_total, join_extreme, join_count, join_compare, join_attribute),
    ),
}
"""The templates of each level. Half of the hard ones need the second table."""
