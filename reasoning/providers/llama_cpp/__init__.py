"""A local model: llama.cpp in this process, its weights and its slots."""
