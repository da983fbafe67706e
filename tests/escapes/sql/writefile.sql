-- writes a file with a function of the shell
SELECT writefile('{drop}/escaped', 'x')
