-- writes statistics
ANALYZE
