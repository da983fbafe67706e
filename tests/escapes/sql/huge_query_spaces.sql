-- has megabytes of comments
SELECT 1 /* {long} */
