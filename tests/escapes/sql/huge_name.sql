-- names a column with a long text
SELECT 1 AS "«50000×n»"
