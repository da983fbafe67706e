# runs a file as a module
import runpy

ans = runpy.run_path(canary_folder + "/planted.py")["value"]
