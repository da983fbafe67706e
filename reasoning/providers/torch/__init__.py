"""Local models in PyTorch: the base of a training, and what llama.cpp cannot serve."""
