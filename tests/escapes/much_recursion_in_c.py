# nests deeper than the stack of C
x = []
for _ in range(10**6):
    x = [x]
ans = x
