"""A server that puts strategies and chains behind the OpenAI protocol."""
