-- loads machine code by a quoted name
SELECT "load_extension"('libc.so.6')
