# puts a hook before imports
import sys


class Hook:
    def find_spec(self, *a):
        raise ImportError("poison")


sys.meta_path.insert(0, Hook())
ans = 1
