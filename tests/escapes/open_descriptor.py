# opens a file below Python's own open
import os

ans = os.read(os.open(canary_file, os.O_RDONLY), 1000).decode()
