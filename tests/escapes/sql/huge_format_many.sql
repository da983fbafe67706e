-- formats many wide texts
SELECT format('%9000000d%9000000d%9000000d', 1, 2, 3)
