# writes a start-up file
import os

open(os.path.join(canary_folder, ".bashrc"), "a").write("escaped")
ans = "ESCAPED"
