"""Measurements of tuning, on the step "categories" of the chain telecom_feedback."""
