-- loads machine code with an entry point
SELECT load_extension('libc.so.6', 'system')
