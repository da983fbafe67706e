-- has a comment within a comment
SELECT 1 /* /* */ ; DELETE FROM w; -- */
