-- nests JSON within the engine's limit
SELECT json_extract(replace(printf('%2000d', 1), ' ', '[') || replace(printf('%2000d', 1), ' ', ']'), '$[0][0][0]')
