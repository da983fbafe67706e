-- reads a database by its path
SELECT * FROM '{database}'.secret
