-- returns the product of a table with itself
SELECT * FROM w t0, w t1, w t2, w t3, w t4, w t5
