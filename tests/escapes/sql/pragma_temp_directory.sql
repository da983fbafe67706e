-- moves temporary files
PRAGMA temp_store_directory = '{drop}'
