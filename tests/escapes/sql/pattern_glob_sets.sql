-- has a pattern of many sets
SELECT replace(printf('%300000d', 1), ' ', 'a') GLOB '«150×*[a-z]»b'
