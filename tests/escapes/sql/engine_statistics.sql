-- reads statistics of the database
SELECT * FROM dbstat
