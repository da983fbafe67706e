-- opens a database and reads it
ATTACH '{database}' AS x; SELECT * FROM x.secret
