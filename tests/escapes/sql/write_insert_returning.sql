-- adds a row and returns it
INSERT INTO w (name) VALUES ('x') RETURNING *
