-- returns characters that control a terminal
SELECT char(27) || '[2J' || char(8238) AS "{escape}[31m", CAST(x'ff00fe' AS TEXT), x'ff00'
