-- has a comment without an end
SELECT 1 /* DELETE FROM w
