-- reads the schema by its other name
SELECT * FROM main.sqlite_schema
