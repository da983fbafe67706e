-- lists a folder with a table of the shell
SELECT name FROM fsdir('/')
