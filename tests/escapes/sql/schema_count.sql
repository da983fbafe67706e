-- counts the schema without reading a column
SELECT count(*) FROM sqlite_master
