-- creates a table
CREATE TABLE t AS SELECT * FROM w
