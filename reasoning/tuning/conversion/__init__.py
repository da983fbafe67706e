"""Conversion of trained weights to GGUF: adapters for llama.cpp, and models merged with adapters."""
