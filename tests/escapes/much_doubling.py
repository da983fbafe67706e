# doubles a text
x = "a"
while True:
    x += x
