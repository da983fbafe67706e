-- loads machine code in ORDER BY
SELECT 1 FROM w ORDER BY LOAD_EXTENSION('libc.so.6')
