-- makes a journal file
PRAGMA journal_mode = WAL
