# writes a file
open(drop + "/escaped", "w").write("x")
ans = "ESCAPED"
