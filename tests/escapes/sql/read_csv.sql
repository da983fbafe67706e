-- reads a file with a function of another engine
SELECT * FROM read_csv('{canary}')
