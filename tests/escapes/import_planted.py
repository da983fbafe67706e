# imports a module from a folder of the user's
import sys

sys.path.insert(0, canary_folder)
import planted

ans = planted.value
