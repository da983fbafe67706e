-- opens a database
ATTACH '{database}' AS x
