-- multiplies a text
SELECT length(replace(replace(replace(printf('%5000d', 1), ' ', printf('%5000d', 1)), ' ', printf('%5000d', 1)), ' ', 'xx'))
