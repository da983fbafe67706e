# maps a file
import mmap, os

ans = mmap.mmap(os.open(canary_file, os.O_RDONLY), 0, prot=mmap.PROT_READ)[:].decode()
