-- reads the schema in a sub-query
SELECT (SELECT group_concat(sql) FROM "sqlite_master")
