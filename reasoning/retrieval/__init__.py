"""Search: documents, and retrievers that find passages in them."""

from reasoning.retrieval.document import Corpus, Document, Passage
from reasoning.retrieval.retriever import ClientCalls, Retriever

__all__ = ["ClientCalls", "Corpus", "Document", "Passage", "Retriever"]
