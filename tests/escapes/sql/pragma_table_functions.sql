-- reads the list of functions as a table
SELECT name FROM pragma_function_list
