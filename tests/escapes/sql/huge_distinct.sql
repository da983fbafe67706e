-- keeps large rows for comparison
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000) SELECT count(DISTINCT printf('%100000d', x)) FROM c
