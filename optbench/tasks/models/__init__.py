"""Small networks, each a description of layers from which its table, its arrays and its forward pass follow."""
