-- writes the database to a file
VACUUM INTO '{drop}/escaped'
