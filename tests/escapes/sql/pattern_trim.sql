-- trims by many characters
SELECT length(trim(replace(printf('%4000000d', 1), ' ', 'a'), replace(printf('%1000000d', 1), ' ', 'b') || 'a1'))
