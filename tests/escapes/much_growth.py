# lets a list grow
x = []
while True:
    x.append("a" * 1000 + str(len(x)))
