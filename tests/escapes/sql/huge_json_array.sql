-- doubles JSON
WITH RECURSIVE c(x) AS (SELECT json_array(1) UNION ALL SELECT json_array(json(x), json(x)) FROM c) SELECT x FROM c LIMIT 1 OFFSET 200
