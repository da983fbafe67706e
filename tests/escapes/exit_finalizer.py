# does something when it is taken apart
class A:
    def __del__(self):
        while True:
            pass


a = A()
ans = 1
