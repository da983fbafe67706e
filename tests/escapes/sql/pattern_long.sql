-- has a long pattern
SELECT 'a' LIKE '«60000×a»'
