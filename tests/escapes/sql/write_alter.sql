-- renames a table
ALTER TABLE w RENAME TO v
