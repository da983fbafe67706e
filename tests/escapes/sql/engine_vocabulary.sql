-- reads an index's vocabulary
SELECT * FROM fts5vocab
