-- replaces a row
REPLACE INTO w (name) VALUES ('x')
