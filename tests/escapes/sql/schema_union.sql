-- reads the schema with UNION
SELECT name FROM w UNION ALL SELECT sql FROM sqlite_master
