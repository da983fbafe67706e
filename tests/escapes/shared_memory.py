# makes memory that others can see
from multiprocessing import shared_memory

shared_memory.SharedMemory("escaped", create=True, size=100)
ans = "ESCAPED"
