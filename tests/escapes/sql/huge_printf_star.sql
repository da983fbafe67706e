-- makes a huge text by a width argument
SELECT printf('%*d', 2000000000, 1)
