# leaves the working folder upwards
import os

found = os.listdir("..")
ans = ["ESCAPED", *found] if found else "empty"
