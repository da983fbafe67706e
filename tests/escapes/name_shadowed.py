# names a variable like the runner's
__value__ = __builtins__ = __name__ = 3
ans = 1
