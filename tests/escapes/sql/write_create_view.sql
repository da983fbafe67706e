-- creates a view
CREATE TEMP VIEW v AS SELECT * FROM w
