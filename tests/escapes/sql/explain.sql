-- reads the engine's program
EXPLAIN SELECT * FROM w
