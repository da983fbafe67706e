-- keeps large rows for sorting
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000) SELECT printf('%100000d', x) AS t FROM c ORDER BY t DESC LIMIT 1
