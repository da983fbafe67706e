# asks where a link outside points: by os, by pathlib, through a folder's descriptor and in C
import ctypes
import os
import pathlib

folder, name = os.path.split(canary_link)
ans = []
for attempt in (
    lambda: os.readlink(canary_link),
    lambda: os.readlink(name, dir_fd=os.open(folder, os.O_PATH)),
    lambda: os.path.realpath(canary_link),
    lambda: str(pathlib.Path(canary_link).resolve()),
    lambda: str(pathlib.Path(canary_link).readlink()),
    lambda: os.readlink(f"/proc/self/fd/{os.open(canary_link, os.O_PATH | os.O_NOFOLLOW)}"),
    lambda: "ESCAPED " + os.readlink("/proc/self/exe"),
    lambda: "ESCAPED " + os.readlink("/proc/self/cwd"),
):
    try:
        ans.append(attempt())
    except Exception as error:
        ans.append(type(error).__name__)
libc = ctypes.CDLL(None)
for call in (libc.readlink, lambda *given: libc.readlinkat(-100, *given)):
    buffer = ctypes.create_string_buffer(4096)
    if call(canary_link.encode(), buffer, 4096) > 0:
        ans.append("ESCAPED " + buffer.value.decode())
