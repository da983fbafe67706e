-- reads the running statements
SELECT * FROM sqlite_stmt
