-- lists the files of the database
PRAGMA database_list
