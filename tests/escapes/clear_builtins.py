# clears the built-ins
import builtins

builtins.__dict__.clear()
ans = 1
