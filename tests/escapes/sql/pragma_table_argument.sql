-- calls a pragma with an argument as a table
SELECT * FROM pragma_query_only('0'), w
