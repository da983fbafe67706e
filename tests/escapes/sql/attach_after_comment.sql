-- creates a file after a comment
/* SELECT */ -- SELECT
ATTACH '{drop}/escaped' AS x
