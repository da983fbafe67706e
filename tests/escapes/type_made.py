# makes a class with hooks
T = type("T", (), {"__repr__": lambda self: '__import__("os")', "__class__": property(lambda self: int)})
ans = T()
