-- has many rows of values
VALUES«12000× (1),» (1)
