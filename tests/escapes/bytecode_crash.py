# runs broken bytecode
def f():
    pass


f.__code__ = f.__code__.replace(co_code=b"\x64\xff" * 20, co_stacksize=0)
f()
