-- looks for a long text in a long text
SELECT instr(replace(printf('%4000000d', 1), ' ', 'a'), replace(printf('%2000000d', 1), ' ', 'a') || 'b')
