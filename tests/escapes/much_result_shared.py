# returns a result that is huge when written out
ans = [0]
for _ in range(40):
    ans = [ans, ans]
