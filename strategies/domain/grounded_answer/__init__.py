"""A chain to start from: a question → search terms → passages of a folder → an answer whose quotations are verified."""
