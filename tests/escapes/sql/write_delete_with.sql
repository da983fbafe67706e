-- deletes rows after WITH
WITH a AS (SELECT 1) DELETE FROM w RETURNING *
