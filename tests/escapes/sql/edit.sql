-- starts an editor with a function of the shell
SELECT edit('x', 'touch {drop}/escaped')
