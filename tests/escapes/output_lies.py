# prints what is no text
import sys


class T(str):
    def __len__(self):
        return -1

    def __getitem__(self, i):
        return 7


sys.stdout.write(T("x"))
ans = 1
