# deletes a file
import os

os.unlink(canary_file)
ans = "ESCAPED"
