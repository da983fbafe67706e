# changes the built-ins for the next program
import builtins

builtins.int = str
builtins.sum = lambda x: 666
ans = 1
