# starts a program
import subprocess

ans = "ESCAPED" + str(subprocess.run(["true"]))
