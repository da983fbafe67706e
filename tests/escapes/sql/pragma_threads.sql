-- starts threads
PRAGMA threads = 100000
