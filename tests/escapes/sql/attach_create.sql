-- creates a database file
ATTACH DATABASE '{drop}/escaped' AS x
