-- loads machine code in a common table expression
WITH a AS (SELECT load_extension('libc.so.6') AS x) SELECT x FROM a
