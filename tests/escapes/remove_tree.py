# deletes a folder
import shutil

shutil.rmtree(canary_folder)
ans = "ESCAPED"
