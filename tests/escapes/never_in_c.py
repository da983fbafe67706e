# never ends, in C
sum(range(10**12))
