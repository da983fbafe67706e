-- writes the database to a file after a query
SELECT 1; VACUUM main INTO '{drop}/escaped'
