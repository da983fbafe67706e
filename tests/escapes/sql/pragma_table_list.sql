-- reads settings as a table
SELECT * FROM pragma_database_list
