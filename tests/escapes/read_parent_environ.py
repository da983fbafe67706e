# reads the parent's environment
ans = open(f"/proc/{parent}/environ").read()
