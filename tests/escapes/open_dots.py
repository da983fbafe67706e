# reaches a file by a relative path
ans = open("../" * 30 + canary_file.lstrip("/")).read()
