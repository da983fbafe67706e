-- formats a date at length
SELECT length(strftime(replace(printf('%900000d', 1), ' ', '%J'), 'now'))
