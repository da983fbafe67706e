"""The table that the demonstrations of several techniques share."""

from __future__ import annotations

from reasoning.tables_sql import Table

PRIZES = Table.of(
    [
        ["Year", "Winner", "Book", "Pages"],
        ["1998", "Ada Brook", "The salt road", "412"],
        ["1999", "Jon Veld", "Nine rooms", "288"],
        ["2000", "Ada Brook", "After the flood", "530"],
        ["2001", "Mira Kos", "Glass", "197"],
    ],
    title="Harbour prize",
)
