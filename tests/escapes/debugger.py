# opens a debugger
breakpoint()
ans = "ESCAPED"
