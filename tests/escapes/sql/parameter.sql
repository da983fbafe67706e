-- has a parameter
SELECT ?, ?1000000, :x, @y, $z
