# never ends, in one power
pow(3, 10**8)
x = 3 ** (10**8)
