-- has quotes in a comment
SELECT 1 -- '; DROP TABLE w; --
