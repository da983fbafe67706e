# prints a gigabyte
line = "x" * 10**6
for _ in range(1000):
    print(line)
