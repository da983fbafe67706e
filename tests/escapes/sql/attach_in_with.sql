-- opens a database within a query
WITH x AS (ATTACH '{drop}/escaped' AS y) SELECT * FROM x
