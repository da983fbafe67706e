-- reads the engine's code
SELECT * FROM bytecode('SELECT 1')
