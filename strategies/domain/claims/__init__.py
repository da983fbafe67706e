"""A chain to start from: a document → its claims → each checked against sources → a summary that marks what is not
supported. The check of each claim on its own: Min et al. 2023 (FActScore, arXiv 2305.14251)."""
