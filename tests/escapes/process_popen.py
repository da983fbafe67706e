# starts a shell and reads from it
import os

ans = "ESCAPED" + os.popen("id").read()
