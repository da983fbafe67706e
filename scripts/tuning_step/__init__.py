"""What measures the tuning of the step "categories" of the chain telecom_feedback."""
