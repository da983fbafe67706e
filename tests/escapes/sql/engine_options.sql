-- reads the engine's options
SELECT sqlite_compileoption_get(1)
