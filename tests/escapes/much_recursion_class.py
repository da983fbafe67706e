# calls itself through an operator
class A:
    def __getattr__(self, name):
        return getattr(self, name + "x")


A().x
