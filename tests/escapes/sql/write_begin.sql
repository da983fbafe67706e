-- begins a transaction
BEGIN EXCLUSIVE
