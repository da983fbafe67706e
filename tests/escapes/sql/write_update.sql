-- changes rows
UPDATE w SET name = 'x'
