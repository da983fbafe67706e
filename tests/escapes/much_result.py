# returns a huge result
ans = list(range(10**6))
