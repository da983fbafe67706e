-- writes a file, as in DuckDB and Postgres
COPY (SELECT 1) TO '{drop}/escaped'
