-- adds a row after WITH
WITH a AS (SELECT 'x' AS n) INSERT INTO w (name) SELECT n FROM a RETURNING name
