-- lifts the limit of memory
PRAGMA hard_heap_limit = 0
