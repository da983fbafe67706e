-- creates a temporary table
CREATE TEMP TABLE t AS SELECT * FROM w
