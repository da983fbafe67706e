# copies a file of the user's
import shutil

shutil.copy(canary_file, drop + "/escaped")
ans = "ESCAPED"
