-- adds a row
INSERT INTO w (name) VALUES ('x')
