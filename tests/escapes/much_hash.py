# makes a dictionary slow
class A:
    def __hash__(self):
        return 1

    def __eq__(self, other):
        return False


x = {A(): i for i in range(10**6)}
