# walks /proc for the environment of every process
import os

ans = [open(f"/proc/{p}/environ").read() for p in os.listdir("/proc") if p.isdigit()]
