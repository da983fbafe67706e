-- loads machine code in a branch
SELECT CASE WHEN name = 'x' THEN load_extension('libc.so.6') END FROM w
