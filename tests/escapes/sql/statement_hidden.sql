-- hides a statement behind a comment
SELECT 1; -- harmless
DROP TABLE w
