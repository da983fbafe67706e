# leaves a file in the working folder
open("escaped", "w").write("x")
ans = "ESCAPED"
