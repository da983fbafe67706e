# never ends, while it imports
import sys


class Hook:
    def find_spec(self, *a):
        while True:
            pass


sys.meta_path.insert(0, Hook())
import nothing_like_this
