-- has direction marks
SELECT '‮' AS a, 1 AS "‮b"
