-- is longer than a query may be
SELECT '{long}'
