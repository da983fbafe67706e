-- uses an operator that does not exist
SELECT name REGEXP '(a+)+$' FROM w
