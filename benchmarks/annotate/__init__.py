"""Annotation of uncertain questions by a person: the questions that wait, the dialogue, and the file of annotations."""
