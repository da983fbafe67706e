"""Several independent draws and a decision over them."""
