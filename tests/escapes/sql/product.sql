-- multiplies a table with itself
SELECT count(*) FROM w t0, w t1, w t2, w t3, w t4, w t5, w t6, w t7, w t8, w t9, w t10, w t11
