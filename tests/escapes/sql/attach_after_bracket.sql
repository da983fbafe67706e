-- creates a file after a bracket
(SELECT 1); ATTACH '{drop}/escaped' AS x
