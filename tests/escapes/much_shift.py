# shifts a number out of memory
x = 1 << 10**11
