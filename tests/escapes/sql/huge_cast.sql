-- makes a huge number of a text
SELECT CAST(printf('%9000000d', 1) AS INTEGER) + CAST(replace(printf('%9000000d', 1), ' ', '9') AS REAL)
