-- creates an index
CREATE INDEX i ON w (name)
