-- walks large JSON
WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 200000) SELECT count(*) FROM json_tree((SELECT json_group_array(json_array(x, x)) FROM c)) a, json_tree((SELECT json_group_array(x) FROM c)) b
