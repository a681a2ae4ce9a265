"""What strangers and careless editors could write, tried by machine: `./run fuzz`."""
