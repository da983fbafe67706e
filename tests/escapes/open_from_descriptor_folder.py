# opens a folder, and from there a file
import os

d = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
ans = os.read(os.open(canary_file.lstrip("/"), os.O_RDONLY, dir_fd=d), 1000).decode()
