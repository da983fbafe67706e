-- compares with many values
SELECT count(*) FROM w WHERE value IN («15000×1, »1)
