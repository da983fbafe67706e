-- loads machine code in a window
SELECT count(*) OVER (PARTITION BY load_extension('libc.so.6')) FROM w
