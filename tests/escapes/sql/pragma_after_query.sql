-- changes a setting after a query
SELECT 1; PRAGMA query_only = OFF; DELETE FROM w
