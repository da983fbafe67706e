-- reads a file with a function of the shell
SELECT readfile('{canary}')
