"""Local models: llama.cpp in this process, its weights and its slots."""
