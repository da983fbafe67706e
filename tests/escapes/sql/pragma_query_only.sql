-- ends the read-only mode
PRAGMA query_only = OFF
