-- reads a file as a table, as in DuckDB
SELECT * FROM '{canary}'
