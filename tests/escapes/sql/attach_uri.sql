-- creates a database file by an address
ATTACH 'file:{drop}/escaped?mode=rwc' AS x
