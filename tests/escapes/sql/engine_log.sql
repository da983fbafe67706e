-- writes to the engine's log
SELECT sqlite_log(1, 'x')
