-- nests JSON deeply
SELECT json(replace(printf('%900000d', 1), ' ', '['))
