-- reads the schema
SELECT sql FROM sqlite_master
