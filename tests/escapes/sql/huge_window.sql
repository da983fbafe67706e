-- keeps large rows in a window
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000) SELECT count(*) FROM (SELECT last_value(printf('%100000d', x)) OVER () FROM c)
