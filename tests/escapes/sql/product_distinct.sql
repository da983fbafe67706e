-- removes duplicates of a product
SELECT DISTINCT t0.row_id, t1.row_id, t2.row_id, t3.row_id, t4.row_id, t5.row_id, t6.row_id FROM w t0, w t1, w t2, w t3, w t4, w t5, w t6
