-- rewrites the database
VACUUM
