-- writes a table as in other engines
SELECT * INTO t FROM w
