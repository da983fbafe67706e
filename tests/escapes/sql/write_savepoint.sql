-- begins a savepoint
SAVEPOINT s
