-- reads the schema of temporary tables
SELECT * FROM sqlite_temp_master
