"""A bundled chain that checks the claims of a document against sources.

A document → its claims → each claim checked against the sources → a summary that marks unsupported claims.

Source:
    Min et al. (2023), arXiv 2305.14251: FActScore, which checks each claim separately.
"""
