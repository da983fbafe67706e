-- deletes rows
DELETE FROM w
