-- makes a huge text by a width
SELECT printf('%2000000000d', 1)
