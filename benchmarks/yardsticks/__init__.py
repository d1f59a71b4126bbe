"""What figures are compared with. Nothing here imports the hub's own code but the server command, which is shared."""
