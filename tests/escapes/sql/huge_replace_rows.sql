-- multiplies a text in each row
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 100000) SELECT max(length(replace(printf('%3000d', x), ' ', printf('%3000d', x)))) FROM c
