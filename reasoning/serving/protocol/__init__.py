"""The OpenAI protocol: a chat as a problem, an answer as a reply, errors in the protocol's form."""
