-- builds its pattern
SELECT replace(printf('%90000d', 1), ' ', 'a') LIKE replace(printf('%900d', 1), ' ', '%a')
