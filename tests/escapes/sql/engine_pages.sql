-- reads the pages of the database
SELECT data FROM sqlite_dbpage('main')
