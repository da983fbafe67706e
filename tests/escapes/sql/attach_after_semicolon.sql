-- creates a file after a harmless query
SELECT 1; ATTACH '{drop}/escaped' AS x; CREATE TABLE x.t (a)
