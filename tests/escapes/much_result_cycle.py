# returns a result that contains itself
ans = []
ans.append(ans)
