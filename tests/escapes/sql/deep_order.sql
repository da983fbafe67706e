-- sorts by many columns
SELECT 1 FROM w ORDER BY«2999× name || value,» name || value
