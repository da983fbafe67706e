"""Training of small models: methods, a memory estimate, and the process that trains."""
