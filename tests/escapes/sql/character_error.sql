-- puts characters that control a terminal into its error
SELECT "{escape}[2J".x, nonsense{escape}[31m
