# changes into another folder
import os

os.chdir("/")
ans = ["ESCAPED", os.getcwd()]
