# prints without end
while True:
    print("x")
