-- changes rows after WITH
WITH a AS (SELECT 1) UPDATE w SET name = 'x' RETURNING *
