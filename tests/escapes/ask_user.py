# asks the person at the terminal
ans = "ESCAPED" + input("password: ")
