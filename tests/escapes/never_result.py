# never ends, when the result is read
class A:
    def __repr__(self):
        while True:
            pass


ans = A()
