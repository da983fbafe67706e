-- mixes quotes
SELECT `row_id`, [name], "value" FROM `w` WHERE "name" = "x'; DROP TABLE w; --"
