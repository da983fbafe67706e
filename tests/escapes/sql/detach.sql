-- closes the database
DETACH main
