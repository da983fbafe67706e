"""The first hour of four users: what they type, and what they see."""
