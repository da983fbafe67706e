-- reads an encrypted database
PRAGMA key = 'x'
