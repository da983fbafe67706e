-- makes a full-text index
CREATE VIRTUAL TABLE t USING fts5(x, content='w')
