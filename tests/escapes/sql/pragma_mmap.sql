-- maps memory
PRAGMA mmap_size = 9223372036854775807
