# returns a number of many digits
ans = 10**5000
