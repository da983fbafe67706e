-- repeats a sub-query for each row
SELECT count(*) FROM w a WHERE (SELECT count(*) FROM w b, w c, w d WHERE (SELECT count(*) FROM w e, w f, w g, w h WHERE e.value + b.value > 0) > 0) > 0
