-- has a zero character
SELECT 'a{zero}b'; ATTACH '{drop}/escaped' AS x
