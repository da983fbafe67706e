-- joins the texts of a product
SELECT group_concat(t0.name || t1.name) FROM w t0, w t1, w t2, w t3, w t4, w t5, w t6, w t7, w t8
