-- sorts the product of a table with itself
SELECT t0.name || t1.name || t2.name FROM w t0, w t1, w t2, w t3, w t4, w t5, w t6, w t7, w t8 ORDER BY 1 DESC LIMIT 1
