-- computes an infinite number
SELECT pow(9.9e307, 2), 9e999, -9e999, 9e999 - 9e999, 1 / 0, 1 % 0, round(1e308, 2147483647), abs(-9223372036854775807 - 1)
