-- keeps large rows in a materialized table
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000000), m AS MATERIALIZED (SELECT printf('%100000d', x) AS t FROM c) SELECT count(*) FROM m a JOIN m b ON a.t = b.t
