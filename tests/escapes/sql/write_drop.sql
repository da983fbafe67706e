-- drops a table
DROP TABLE w
