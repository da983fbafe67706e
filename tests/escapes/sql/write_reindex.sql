-- rebuilds the indexes
REINDEX
