-- groups without end
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x, count(*) FROM c GROUP BY x
