# reaches attributes through a format
class A:
    pass


ans = "{0.__class__.__init__.__globals__}".format(A())[:3000]
