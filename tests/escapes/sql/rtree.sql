-- makes a spatial index
CREATE VIRTUAL TABLE t USING rtree(id, a, b)
